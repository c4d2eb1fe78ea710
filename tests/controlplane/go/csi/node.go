package main

import (
	"context"
	"errors"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// nodeKey says where a volume can be mounted where there is a real node: only on that one, which has the directories.
const nodeKey = "folders.kubectl-pets.test/node"

// Node is the part of the driver that a real kubelet asks: it mounts volumes where pods expect them. It runs where the kubelet's
// mounts are seen.
type Node struct {
	csi.UnimplementedNodeServer
	registration.UnimplementedRegistrationServer
	driver *Driver
	socket string
}

// publish makes the driver known to the kubelet that watches that directory (k8s.io/kubelet/pkg/apis/pluginregistration); what
// csi-node-driver-registrar does beside other drivers.
func (n *Node) publish(registry string) error {
	socket := filepath.Join(registry, n.driver.name+"-reg.sock")
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	answering := grpc.NewServer(grpc.UnaryInterceptor(logged))
	registration.RegisterRegistrationServer(answering, n)
	go func() { log.Fatal(answering.Serve(listener)) }()
	return nil
}

func (n *Node) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type: registration.CSIPlugin, Name: n.driver.name, Endpoint: n.socket, SupportedVersions: []string{"1.0.0"},
	}, nil
}

func (n *Node) NotifyRegistrationStatus(
	_ context.Context, r *registration.RegistrationStatus,
) (*registration.RegistrationStatusResponse, error) {
	if !r.GetPluginRegistered() {
		log.Fatalf("the kubelet does not take the driver: %s", r.GetError())
	}
	return &registration.RegistrationStatusResponse{}, nil
}

func (n *Node) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	here := &csi.Topology{Segments: map[string]string{nodeKey: n.driver.node}}
	return &csi.NodeGetInfoResponse{NodeId: n.driver.node, AccessibleTopology: here}, nil
}

func (n *Node) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	answer := &csi.NodeGetCapabilitiesResponse{}
	for _, rpc := range []csi.NodeServiceCapability_RPC_Type{
		csi.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME,
		csi.NodeServiceCapability_RPC_EXPAND_VOLUME,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.NodeServiceCapability{
			Type: &csi.NodeServiceCapability_Rpc{Rpc: &csi.NodeServiceCapability_RPC{Type: rpc}},
		})
	}
	return answer, nil
}

// NodeStageVolume mounts a volume once for all pods of the node: its directory, or the file system in its file.
func (n *Node) NodeStageVolume(_ context.Context, r *csi.NodeStageVolumeRequest) (*csi.NodeStageVolumeResponse, error) {
	volume, known, err := n.driver.volume(r.GetVolumeId())
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, status.Errorf(codes.NotFound, "no such volume: %s", r.GetVolumeId())
	}
	target := r.GetStagingTargetPath()
	if _, there := mounted(target); there {
		return &csi.NodeStageVolumeResponse{}, nil
	}
	if !volume.Traits.formatted() {
		return &csi.NodeStageVolumeResponse{}, run("mount", "--bind", n.driver.shelves.data("volumes", volume.ID), target)
	}
	// A copy has the identity of what it is a copy of, which may be mounted as well.
	if err := run("mount", "-o", "loop,nouuid", n.driver.shelves.image(volume.ID), target); err != nil {
		return nil, err
	}
	if err := os.Chmod(target, 0o777); err != nil {
		return nil, err
	}
	return &csi.NodeStageVolumeResponse{}, run("xfs_growfs", target)
}

func (n *Node) NodeUnstageVolume(_ context.Context, r *csi.NodeUnstageVolumeRequest) (*csi.NodeUnstageVolumeResponse, error) {
	return &csi.NodeUnstageVolumeResponse{}, unmount(r.GetStagingTargetPath())
}

// NodePublishVolume shows a staged volume to one pod.
func (n *Node) NodePublishVolume(_ context.Context, r *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	target := r.GetTargetPath()
	if err := os.MkdirAll(target, 0o750); err != nil {
		return nil, err
	}
	if _, there := mounted(target); !there {
		if err := run("mount", "--bind", r.GetStagingTargetPath(), target); err != nil {
			return nil, err
		}
	}
	if r.GetReadonly() {
		return &csi.NodePublishVolumeResponse{}, run("mount", "-o", "remount,bind,ro", target)
	}
	return &csi.NodePublishVolumeResponse{}, nil
}

func (n *Node) NodeUnpublishVolume(_ context.Context, r *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	if err := unmount(r.GetTargetPath()); err != nil {
		return nil, err
	}
	if err := os.Remove(r.GetTargetPath()); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

// NodeExpandVolume has the mounted file system take what its file has become.
func (n *Node) NodeExpandVolume(_ context.Context, r *csi.NodeExpandVolumeRequest) (*csi.NodeExpandVolumeResponse, error) {
	volume, known, err := n.driver.volume(r.GetVolumeId())
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, status.Errorf(codes.NotFound, "no such volume: %s", r.GetVolumeId())
	}
	if volume.Traits.formatted() {
		device, there := mounted(r.GetVolumePath())
		if !there {
			return nil, status.Errorf(codes.NotFound, "%s is not mounted at %s", volume.ID, r.GetVolumePath())
		}
		if err := run("losetup", "--set-capacity", device); err != nil {
			return nil, err
		}
		if err := run("xfs_growfs", r.GetVolumePath()); err != nil {
			return nil, err
		}
	}
	return &csi.NodeExpandVolumeResponse{CapacityBytes: volume.Bytes}, nil
}

// mounted is what is mounted at that path; false where nothing is (proc_pid_mountinfo(5)).
func mounted(target string) (source string, there bool) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		before, after, cut := strings.Cut(line, " - ")
		fields, of := strings.Fields(before), strings.Fields(after)
		if cut && len(fields) > 4 && len(of) > 1 && fields[4] == target {
			source, there = of[1], true
		}
	}
	return source, there
}

// still keeps the file systems of these volumes that are mounted from changing while they are copied: the copies are of one moment,
// as those of a disk array are, with what was written down by then and nothing of what came later.
func (d *Driver) still(volumes []string, copies func() error) (err error) {
	for _, id := range volumes {
		target, err := d.mountOf(id)
		if err != nil {
			return err
		}
		if target == "" {
			continue
		}
		if err := run("fsfreeze", "--freeze", target); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, run("fsfreeze", "--unfreeze", target)) }()
	}
	return copies()
}

// mountOf is where the file system of a volume is mounted; "" where it has none, or is not mounted.
func (d *Driver) mountOf(id string) (string, error) {
	image := d.shelves.image(id)
	if _, err := os.Stat(image); err != nil {
		return "", nil
	}
	told, err := exec.Command("losetup", "--associated", image, "--noheadings", "--output", "NAME").Output()
	if err != nil {
		return "", status.Errorf(codes.Internal, "losetup: %v", err)
	}
	device := strings.TrimSpace(string(told))
	if device == "" {
		return "", nil
	}
	target, err := exec.Command("findmnt", "--noheadings", "--first-only", "--output", "TARGET", "--source", device).Output()
	if err != nil {
		return "", status.Errorf(codes.Internal, "findmnt of %s: %v", device, err)
	}
	return strings.TrimSpace(string(target)), nil
}

func unmount(target string) error {
	if _, there := mounted(target); !there {
		return nil
	}
	return run("umount", target)
}

func run(command string, words ...string) error {
	if told, err := exec.Command(command, words...).CombinedOutput(); err != nil {
		return status.Errorf(codes.Internal, "%s %s: %v: %s", command, strings.Join(words, " "), err, told)
	}
	return nil
}
