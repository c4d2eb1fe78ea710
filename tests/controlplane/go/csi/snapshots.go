package main

import (
	"context"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// shown is a snapshot as the snapshotter is told of it; the copy is whole from the start, only the word of it takes time.
func (s Snapshot) shown() *csi.Snapshot {
	return &csi.Snapshot{
		SnapshotId: s.ID, SourceVolumeId: s.Source, SizeBytes: s.Bytes, GroupSnapshotId: s.Group,
		CreationTime: timestamppb.New(s.Taken), ReadyToUse: !time.Now().Before(s.Ready),
	}
}

func (d *Driver) CreateSnapshot(_ context.Context, r *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	traits := Traits(r.GetParameters())
	if err := traits.check(); err != nil {
		return nil, err
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	id := named("s-", r.GetName())
	var snapshot Snapshot
	known, err := d.shelves.read("snapshots", id, &snapshot)
	if err != nil {
		return nil, err
	}
	if known && snapshot.Source != r.GetSourceVolumeId() {
		return nil, status.Errorf(codes.AlreadyExists, "%s is there, of %s", id, snapshot.Source)
	}
	if !known {
		err := d.still([]string{r.GetSourceVolumeId()}, func() (err error) {
			snapshot, err = d.take(id, r.GetSourceVolumeId(), traits)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return &csi.CreateSnapshotResponse{Snapshot: snapshot.shown()}, nil
}

func (d *Driver) take(id, source string, traits Traits) (Snapshot, error) {
	var volume Volume
	known, err := d.shelves.read("volumes", source, &volume)
	if err != nil {
		return Snapshot{}, err
	}
	if !known {
		return Snapshot{}, status.Errorf(codes.NotFound, "no such volume: %s", source)
	}
	if err := d.shelves.fail(traits, "snapshot", id); err != nil {
		return Snapshot{}, err
	}
	if err := d.shelves.fill("snapshots", id, d.shelves.data("volumes", source)); err != nil {
		return Snapshot{}, err
	}
	length, _ := time.ParseDuration(traits["snapshot-takes"])
	now := time.Now()
	snapshot := Snapshot{ID: id, Source: source, Bytes: volume.Bytes, Taken: now, Ready: now.Add(length)}
	return snapshot, d.shelves.write("snapshots", id, snapshot)
}

func (d *Driver) DeleteSnapshot(_ context.Context, r *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	return &csi.DeleteSnapshotResponse{}, d.shelves.remove("snapshots", r.GetSnapshotId())
}

func (d *Driver) ListSnapshots(_ context.Context, r *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	all, err := d.shelves.snapshots()
	if err != nil {
		return nil, err
	}
	answer := &csi.ListSnapshotsResponse{}
	for _, each := range all {
		if wanted(r.GetSnapshotId(), each.ID) && wanted(r.GetSourceVolumeId(), each.Source) {
			answer.Entries = append(answer.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: each.shown()})
		}
	}
	return answer, nil
}

func wanted(asked, is string) bool {
	return asked == "" || asked == is
}
