// The real Advanced StatefulSet controller of OpenKruise with its two webhooks, and nothing else of the manager, for the tests' control plane.
package main

import (
	"flag"
	"os"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/klogr"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/openkruise/kruise/apis"
	extclient "github.com/openkruise/kruise/pkg/client"
	"github.com/openkruise/kruise/pkg/controller/statefulset"
	"github.com/openkruise/kruise/pkg/features"
	utilclient "github.com/openkruise/kruise/pkg/util/client"
	utilfeature "github.com/openkruise/kruise/pkg/util/feature"
	"github.com/openkruise/kruise/pkg/webhook/statefulset/mutating"
	"github.com/openkruise/kruise/pkg/webhook/statefulset/validating"
)

func must(err error) {
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
}

func main() {
	certs := flag.String("cert-dir", "", "tls.crt and tls.key")
	port := flag.Int("port", 9876, "of the webhooks")
	utilfeature.DefaultMutableFeatureGate.AddFlag(pflag.CommandLine)
	klog.InitFlags(nil)
	pflag.CommandLine.AddGoFlagSet(flag.CommandLine)
	pflag.Parse()
	ctrl.SetLogger(klogr.New())
	features.SetDefaultFeatureGates()
	scheme := runtime.NewScheme()
	must(clientgoscheme.AddToScheme(scheme))
	must(apis.AddToScheme(scheme))
	must(apis.AddToScheme(clientgoscheme.Scheme))
	config := ctrl.GetConfigOrDie()
	config.UserAgent = "kruise-manager"
	config.QPS, config.Burst = 300, 500
	must(extclient.NewRegistry(config))
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:        scheme,
		Metrics:       metricsserver.Options{BindAddress: "0"},
		WebhookServer: ctrlwebhook.NewServer(ctrlwebhook.Options{Host: "127.0.0.1", Port: *port, CertDir: *certs}),
		NewCache:      utilclient.NewCache,
	})
	must(err)
	server := mgr.GetWebhookServer()
	for path, getter := range mutating.HandlerGetterMap {
		server.Register("/"+path, &ctrlwebhook.Admission{Handler: getter(mgr)})
	}
	for path, getter := range validating.HandlerGetterMap {
		server.Register("/"+path, &ctrlwebhook.Admission{Handler: getter(mgr)})
	}
	go func() { must(statefulset.Add(mgr)) }() // it waits for the caches
	must(mgr.Start(ctrl.SetupSignalHandler()))
}
