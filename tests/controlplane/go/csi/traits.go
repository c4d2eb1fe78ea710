package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Traits are how a volume or a snapshot behaves: the parameters of its StorageClass or VolumeSnapshotClass.
//
//	create-takes, expand-takes, delete-takes, snapshot-takes   how long it takes, such as 5s
//	create-fails, expand-fails, modify-fails, delete-fails, snapshot-fails   UNAVAILABLE so many times, then well
//	expand-most       bytes that a volume can have at most
//	expand-refusal    the code for more than that: out-of-range or invalid-argument
//	expand-offline    "true": FAILED_PRECONDITION for as long as a pod uses the volume
//	node-step         "true": the node has to do its part of an expansion
//	file-system       xfs: a volume is a file with that in it, and no plain directory; for a real node
//	topology          "true": a volume is of one zone
//	no-groups         "true": UNIMPLEMENTED for a snapshot of a group
//	snapshots-hold    "true": FAILED_PRECONDITION for deleting a volume of which there are snapshots
//
// Any other is refused, so that a test with a slip in it does not pass.
type Traits map[string]string

const (
	outOfRange      = "out-of-range"
	invalidArgument = "invalid-argument"
	xfs             = "xfs"
)

// fromSidecars is what the provisioner and the snapshotter add of their own.
const fromSidecars = "csi.storage.k8s.io/"

func (t Traits) check() error {
	for key, value := range t {
		var err error
		switch {
		case strings.HasPrefix(key, fromSidecars):
		case strings.HasSuffix(key, "-takes"):
			_, err = time.ParseDuration(value)
		case strings.HasSuffix(key, "-fails"), key == "expand-most":
			_, err = strconv.ParseInt(value, 10, 64)
		case key == "expand-offline", key == "node-step", key == "topology", key == "no-groups", key == "snapshots-hold":
			_, err = strconv.ParseBool(value)
		case key == "file-system" && value == xfs:
		case key == "expand-refusal" && (value == outOfRange || value == invalidArgument):
		default:
			return status.Errorf(codes.InvalidArgument, "no such parameter: %s: %s", key, value)
		}
		if err != nil {
			return status.Errorf(codes.InvalidArgument, "parameter %s: %v", key, err)
		}
	}
	return nil
}

func (t Traits) is(key string) bool {
	return t[key] == "true"
}

// formatted says that the volume is a file with a file system in it.
func (t Traits) formatted() bool {
	return t["file-system"] == xfs
}

func (t Traits) number(key string) int64 {
	number, _ := strconv.ParseInt(t[key], 10, 64)
	return number
}

// takes waits for as long as the action takes. Whoever asked may give up before and ask again, which begins anew.
func (t Traits) takes(ctx context.Context, action string) error {
	length, _ := time.ParseDuration(t[action+"-takes"])
	select {
	case <-ctx.Done():
		return status.Errorf(codes.DeadlineExceeded, "%s is still at it", action)
	case <-time.After(length):
		return nil
	}
}

// room refuses a size that the volume cannot have.
func (t Traits) room(size int64) error {
	most := t.number("expand-most")
	if most == 0 || size <= most {
		return nil
	}
	if t["expand-refusal"] == invalidArgument {
		return status.Errorf(codes.InvalidArgument, "%d bytes is no size for this volume: at most %d", size, most)
	}
	return status.Errorf(codes.OutOfRange, "the pool has no %d bytes for this volume: at most %d", size, most)
}
