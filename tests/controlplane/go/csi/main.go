// A CSI driver whose volumes and snapshots are directories of this machine. It is the storage under the tests: the sidecars that
// ask it (provisioner, resizer, snapshotter) are the real ones, and how it behaves is said by the StorageClass of each volume (see
// traits.go). What it knows lies in files beside the data, so it may end at any moment and go on.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"os"
	"path"
	"sync"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Driver answers for all volumes. One call changes files at a time; waiting is done without the lock.
type Driver struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedControllerServer
	csi.UnimplementedGroupControllerServer
	name    string
	shelves Shelves
	cluster *Cluster
	// The real node that this process runs on; "" where nodes are only played.
	node string
	lock sync.Mutex
}

func main() {
	socket := flag.String("socket", "", "the unix socket to listen on")
	data := flag.String("data", "", "the directory of volumes and snapshots")
	name := flag.String("name", "", "what the driver calls itself; the provisioner of its StorageClasses")
	server := flag.String("server", "", "the API server's URL, asked whether a volume is in use")
	authority := flag.String("ca", "", "a file with the certificate of the API server's authority")
	token := flag.String("token-file", "", "a file with the token to show it")
	node := flag.String("node", "", "the real node whose mounts this process sees; none: nodes are only played")
	registry := flag.String("registry", "", "the directory in which that node's kubelet looks for drivers")
	flag.Parse()

	cluster, err := NewCluster(*server, *authority, *token)
	if err != nil {
		log.Fatal(err)
	}
	shelves, err := NewShelves(*data)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Remove(*socket); err != nil && !os.IsNotExist(err) {
		log.Fatal(err)
	}
	listener, err := net.Listen("unix", *socket)
	if err != nil {
		log.Fatal(err)
	}
	driver := &Driver{name: *name, shelves: shelves, cluster: cluster, node: *node}
	answering := grpc.NewServer(grpc.UnaryInterceptor(logged))
	csi.RegisterIdentityServer(answering, driver)
	csi.RegisterControllerServer(answering, driver)
	csi.RegisterGroupControllerServer(answering, driver)
	if *node != "" {
		here := &Node{driver: driver, socket: *socket}
		csi.RegisterNodeServer(answering, here)
		if err := here.publish(*registry); err != nil {
			log.Fatal(err)
		}
	}
	log.Fatal(answering.Serve(listener))
}

// logged writes a line for each call but the sidecars' probes.
func logged(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	begun := time.Now()
	answer, err := handle(ctx, request)
	if call := path.Base(info.FullMethod); call != "Probe" {
		log.Printf("%s (%s) %v: %v, error %v", call, time.Since(begun).Round(time.Millisecond), request, answer, err)
	}
	return answer, err
}

func (d *Driver) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: d.name, VendorVersion: "1"}, nil
}

func (d *Driver) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{Ready: wrapperspb.Bool(true)}, nil
}

func (d *Driver) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	answer := &csi.GetPluginCapabilitiesResponse{}
	for _, service := range []csi.PluginCapability_Service_Type{
		csi.PluginCapability_Service_CONTROLLER_SERVICE,
		csi.PluginCapability_Service_GROUP_CONTROLLER_SERVICE,
		csi.PluginCapability_Service_VOLUME_ACCESSIBILITY_CONSTRAINTS,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.PluginCapability{
			Type: &csi.PluginCapability_Service_{Service: &csi.PluginCapability_Service{Type: service}},
		})
	}
	answer.Capabilities = append(answer.Capabilities, &csi.PluginCapability{
		Type: &csi.PluginCapability_VolumeExpansion_{
			VolumeExpansion: &csi.PluginCapability_VolumeExpansion{Type: csi.PluginCapability_VolumeExpansion_ONLINE},
		},
	})
	return answer, nil
}

func (d *Driver) ControllerGetCapabilities(
	context.Context, *csi.ControllerGetCapabilitiesRequest,
) (*csi.ControllerGetCapabilitiesResponse, error) {
	answer := &csi.ControllerGetCapabilitiesResponse{}
	for _, rpc := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
		csi.ControllerServiceCapability_RPC_EXPAND_VOLUME,
		csi.ControllerServiceCapability_RPC_MODIFY_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS,
		csi.ControllerServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: rpc}},
		})
	}
	return answer, nil
}
