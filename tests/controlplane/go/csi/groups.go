package main

import (
	"context"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Group is snapshots that were cut in one moment; each of them is on its own shelf, as any other.
type Group struct {
	ID      string
	Members []string
	Taken   time.Time
}

func (d *Driver) GroupControllerGetCapabilities(
	context.Context, *csi.GroupControllerGetCapabilitiesRequest,
) (*csi.GroupControllerGetCapabilitiesResponse, error) {
	return &csi.GroupControllerGetCapabilitiesResponse{Capabilities: []*csi.GroupControllerServiceCapability{{
		Type: &csi.GroupControllerServiceCapability_Rpc{Rpc: &csi.GroupControllerServiceCapability_RPC{
			Type: csi.GroupControllerServiceCapability_RPC_CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT,
		}},
	}}}, nil
}

func (d *Driver) CreateVolumeGroupSnapshot(
	_ context.Context, r *csi.CreateVolumeGroupSnapshotRequest,
) (*csi.CreateVolumeGroupSnapshotResponse, error) {
	traits := Traits(r.GetParameters())
	if err := traits.check(); err != nil {
		return nil, err
	}
	if traits.is("no-groups") {
		return nil, status.Error(codes.Unimplemented, "this storage takes no snapshots of groups")
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	id := named("g-", r.GetName())
	var group Group
	known, err := d.shelves.read("groups", id, &group)
	if err != nil {
		return nil, err
	}
	if !known {
		err := d.still(r.GetSourceVolumeIds(), func() (err error) {
			group, err = d.takeGroup(id, r.GetSourceVolumeIds(), traits)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	shown, err := d.shownGroup(group)
	return &csi.CreateVolumeGroupSnapshotResponse{GroupSnapshot: shown}, err
}

// takeGroup cuts all under the lock, so no other call comes between two of them.
func (d *Driver) takeGroup(id string, sources []string, traits Traits) (Group, error) {
	group := Group{ID: id, Taken: time.Now()}
	for _, source := range sources {
		one, err := d.take(named("s-", id+"-"+source), source, traits)
		if err != nil {
			return Group{}, err
		}
		one.Group, one.Taken = id, group.Taken
		if err := d.shelves.write("snapshots", one.ID, one); err != nil {
			return Group{}, err
		}
		group.Members = append(group.Members, one.ID)
	}
	if err := d.shelves.make("groups", id); err != nil {
		return Group{}, err
	}
	return group, d.shelves.write("groups", id, group)
}

func (d *Driver) shownGroup(group Group) (*csi.VolumeGroupSnapshot, error) {
	shown := &csi.VolumeGroupSnapshot{
		GroupSnapshotId: group.ID, CreationTime: timestamppb.New(group.Taken), ReadyToUse: true,
	}
	for _, id := range group.Members {
		var one Snapshot
		known, err := d.shelves.read("snapshots", id, &one)
		if err != nil {
			return nil, err
		}
		if known {
			shown.Snapshots = append(shown.Snapshots, one.shown())
			shown.ReadyToUse = shown.ReadyToUse && one.shown().ReadyToUse
		}
	}
	return shown, nil
}

func (d *Driver) DeleteVolumeGroupSnapshot(
	_ context.Context, r *csi.DeleteVolumeGroupSnapshotRequest,
) (*csi.DeleteVolumeGroupSnapshotResponse, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	for _, id := range r.GetSnapshotIds() {
		if err := d.shelves.remove("snapshots", id); err != nil {
			return nil, err
		}
	}
	return &csi.DeleteVolumeGroupSnapshotResponse{}, d.shelves.remove("groups", r.GetGroupSnapshotId())
}

func (d *Driver) GetVolumeGroupSnapshot(
	_ context.Context, r *csi.GetVolumeGroupSnapshotRequest,
) (*csi.GetVolumeGroupSnapshotResponse, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	var group Group
	known, err := d.shelves.read("groups", r.GetGroupSnapshotId(), &group)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, status.Errorf(codes.NotFound, "no such group: %s", r.GetGroupSnapshotId())
	}
	shown, err := d.shownGroup(group)
	return &csi.GetVolumeGroupSnapshotResponse{GroupSnapshot: shown}, err
}
