package main

import (
	"context"
	"os"
	"strconv"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// zoneKey is the label of nodes by which volumes with the trait "topology" are placed.
const zoneKey = "topology.kubernetes.io/zone"

func (d *Driver) CreateVolume(ctx context.Context, r *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	traits := Traits(r.GetParameters())
	if err := traits.check(); err != nil {
		return nil, err
	}
	if err := checkAttributes(r.GetMutableParameters()); err != nil {
		return nil, err
	}
	if err := traits.takes(ctx, "create"); err != nil {
		return nil, err
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	id, bytes := named("v-", r.GetName()), r.GetCapacityRange().GetRequiredBytes()
	var volume Volume
	known, err := d.shelves.read("volumes", id, &volume)
	if err != nil {
		return nil, err
	}
	if known && volume.Bytes < bytes {
		return nil, status.Errorf(codes.AlreadyExists, "%s is there with %d bytes, which is less", id, volume.Bytes)
	}
	if !known {
		if err := d.shelves.fail(traits, "create", id); err != nil {
			return nil, err
		}
		source, err := d.source(r.GetVolumeContentSource(), bytes)
		if err != nil {
			return nil, err
		}
		if err := d.shelves.fill("volumes", id, source); err != nil {
			return nil, err
		}
		if traits.formatted() {
			if err := d.shelves.format(id, bytes); err != nil {
				return nil, err
			}
		}
		volume = Volume{ID: id, Bytes: bytes, Traits: traits, Attributes: r.GetMutableParameters()}
		if traits.is("topology") {
			volume.Zone = zone(r.GetAccessibilityRequirements())
		}
		if err := d.shelves.write("volumes", id, volume); err != nil {
			return nil, err
		}
	}
	answer := &csi.Volume{VolumeId: id, CapacityBytes: volume.Bytes, ContentSource: r.GetVolumeContentSource()}
	if d.node != "" {
		answer.AccessibleTopology = []*csi.Topology{{Segments: map[string]string{nodeKey: d.node}}}
	} else if volume.Zone != "" {
		answer.AccessibleTopology = []*csi.Topology{{Segments: map[string]string{zoneKey: volume.Zone}}}
	}
	return &csi.CreateVolumeResponse{Volume: answer}, nil
}

// source is the directory that a new volume begins as a copy of; "" for an empty one.
func (d *Driver) source(of *csi.VolumeContentSource, bytes int64) (string, error) {
	if id := of.GetSnapshot().GetSnapshotId(); id != "" {
		var snapshot Snapshot
		return d.copied("snapshots", id, bytes, &snapshot, &snapshot.Bytes)
	}
	if id := of.GetVolume().GetVolumeId(); id != "" {
		var volume Volume
		return d.copied("volumes", id, bytes, &volume, &volume.Bytes)
	}
	return "", nil
}

func (d *Driver) copied(shelf, id string, bytes int64, about any, has *int64) (string, error) {
	known, err := d.shelves.read(shelf, id, about)
	if err != nil {
		return "", err
	}
	if !known {
		return "", status.Errorf(codes.NotFound, "nothing to copy: %s/%s", shelf, id)
	}
	if bytes < *has {
		return "", status.Errorf(codes.OutOfRange, "%d bytes is less than the %d of %s", bytes, *has, id)
	}
	return d.shelves.data(shelf, id), nil
}

func zone(wanted *csi.TopologyRequirement) string {
	for _, each := range append(wanted.GetPreferred(), wanted.GetRequisite()...) {
		if found := each.GetSegments()[zoneKey]; found != "" {
			return found
		}
	}
	return ""
}

func (d *Driver) DeleteVolume(ctx context.Context, r *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	volume, known, err := d.volume(r.GetVolumeId())
	if err != nil || !known {
		return &csi.DeleteVolumeResponse{}, err
	}
	if err := volume.Traits.takes(ctx, "delete"); err != nil {
		return nil, err
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	if err := d.shelves.fail(volume.Traits, "delete", volume.ID); err != nil {
		return nil, err
	}
	if volume.Traits.is("snapshots-hold") {
		snapshots, err := d.shelves.snapshots()
		if err != nil {
			return nil, err
		}
		for _, each := range snapshots {
			if each.Source == volume.ID {
				return nil, status.Errorf(codes.FailedPrecondition, "%s has a snapshot: %s", volume.ID, each.ID)
			}
		}
	}
	return &csi.DeleteVolumeResponse{}, d.shelves.remove("volumes", volume.ID)
}

// volume reads what is known of one, under the lock.
func (d *Driver) volume(id string) (volume Volume, known bool, err error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	known, err = d.shelves.read("volumes", id, &volume)
	return volume, known, err
}

func (d *Driver) ControllerExpandVolume(
	ctx context.Context, r *csi.ControllerExpandVolumeRequest,
) (*csi.ControllerExpandVolumeResponse, error) {
	volume, known, err := d.volume(r.GetVolumeId())
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, status.Errorf(codes.NotFound, "no such volume: %s", r.GetVolumeId())
	}
	bytes := r.GetCapacityRange().GetRequiredBytes()
	if err := volume.Traits.room(bytes); err != nil {
		return nil, err
	}
	if volume.Traits.is("expand-offline") {
		pod, err := d.cluster.user(ctx, volume.Traits)
		if err != nil {
			return nil, status.Errorf(codes.Unavailable, "whether %s is in use is not known: %v", volume.ID, err)
		}
		if pod != "" {
			return nil, status.Errorf(codes.FailedPrecondition, "%s is in use by %s; it expands offline only", volume.ID, pod)
		}
	}
	if err := volume.Traits.takes(ctx, "expand"); err != nil {
		return nil, err
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	if err := d.shelves.fail(volume.Traits, "expand", volume.ID); err != nil {
		return nil, err
	}
	// It may have been changed meanwhile.
	if known, err := d.shelves.read("volumes", volume.ID, &volume); err != nil || !known {
		return nil, status.Errorf(codes.NotFound, "%s went meanwhile: %v", r.GetVolumeId(), err)
	}
	volume.Bytes = max(volume.Bytes, bytes)
	if err := d.shelves.write("volumes", volume.ID, volume); err != nil {
		return nil, err
	}
	if volume.Traits.formatted() {
		if err := os.Truncate(d.shelves.image(volume.ID), volume.Bytes); err != nil {
			return nil, err
		}
	}
	needsNode := volume.Traits.is("node-step") || volume.Traits.formatted()
	return &csi.ControllerExpandVolumeResponse{CapacityBytes: volume.Bytes, NodeExpansionRequired: needsNode}, nil
}

func (d *Driver) ControllerModifyVolume(
	_ context.Context, r *csi.ControllerModifyVolumeRequest,
) (*csi.ControllerModifyVolumeResponse, error) {
	if err := checkAttributes(r.GetMutableParameters()); err != nil {
		return nil, err
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	var volume Volume
	known, err := d.shelves.read("volumes", r.GetVolumeId(), &volume)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, status.Errorf(codes.NotFound, "no such volume: %s", r.GetVolumeId())
	}
	if err := d.shelves.fail(volume.Traits, "modify", volume.ID); err != nil {
		return nil, err
	}
	volume.Attributes = r.GetMutableParameters()
	return &csi.ControllerModifyVolumeResponse{}, d.shelves.write("volumes", volume.ID, volume)
}

// mostIOPS is what this storage has to give; more is refused.
const mostIOPS = 10000

// checkAttributes knows what a VolumeAttributesClass may say: iops, a number, and tier.
func checkAttributes(attributes map[string]string) error {
	for key, value := range attributes {
		switch key {
		case "tier":
		case "iops":
			if number, err := strconv.Atoi(value); err != nil || number > mostIOPS {
				return status.Errorf(codes.InvalidArgument, "iops %s: at most %d", value, mostIOPS)
			}
		default:
			return status.Errorf(codes.InvalidArgument, "no such attribute: %s", key)
		}
	}
	return nil
}

func (d *Driver) ValidateVolumeCapabilities(
	_ context.Context, r *csi.ValidateVolumeCapabilitiesRequest,
) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	_, known, err := d.volume(r.GetVolumeId())
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, status.Errorf(codes.NotFound, "no such volume: %s", r.GetVolumeId())
	}
	return &csi.ValidateVolumeCapabilitiesResponse{
		Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{VolumeCapabilities: r.GetVolumeCapabilities()},
	}, nil
}
