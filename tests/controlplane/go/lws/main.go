// The real controllers and webhooks of LeaderWorkerSet for the tests' control plane: without certificate rotation, metrics and leader election.
package main

import (
	"flag"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	lwsv1 "sigs.k8s.io/lws/api/leaderworkerset/v1"
	"sigs.k8s.io/lws/pkg/controllers"
	"sigs.k8s.io/lws/pkg/webhooks"
)

func must(err error) {
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
}

func main() {
	certs := flag.String("cert-dir", "", "tls.crt and tls.key")
	port := flag.Int("port", 9443, "of the webhooks")
	flag.Parse()
	scheme := runtime.NewScheme()
	must(clientgoscheme.AddToScheme(scheme))
	must(lwsv1.AddToScheme(scheme))
	config := ctrl.GetConfigOrDie()
	config.QPS, config.Burst = 500, 500
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:        scheme,
		Metrics:       metricsserver.Options{BindAddress: "0"},
		WebhookServer: webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: *port, CertDir: *certs}),
	})
	must(err)
	must(controllers.SetupIndexes(mgr.GetFieldIndexer()))
	must(controllers.NewLeaderWorkerSetReconciler(mgr.GetClient(), mgr.GetScheme(), mgr.GetEventRecorderFor("leaderworkerset")).SetupWithManager(mgr))
	must(controllers.NewPodReconciler(mgr.GetClient(), mgr.GetScheme(), mgr.GetEventRecorderFor("leaderworkerset"), nil).SetupWithManager(mgr))
	must(webhooks.SetupLeaderWorkerSetWebhook(mgr))
	must(webhooks.NewPodWebhook(nil).Setup(mgr))
	must(mgr.Start(ctrl.SetupSignalHandler()))
}
