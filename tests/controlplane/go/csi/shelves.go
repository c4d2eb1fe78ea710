package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Volume is what is known of one beside its data.
type Volume struct {
	ID         string
	Bytes      int64
	Traits     Traits
	Attributes map[string]string
	Zone       string
}

// Snapshot is a copy of a volume's data.
type Snapshot struct {
	ID     string
	Source string
	Bytes  int64
	Taken  time.Time
	Ready  time.Time
	// The group that it was cut with; "" where it was cut alone.
	Group string
}

// Shelves are the directory of all: ROOT/volumes/ID/data with ROOT/volumes/ID/about.json beside it, ROOT/snapshots the same,
// ROOT/groups with about.json alone, ROOT/tries with a file for each action that is to fail, as many bytes long as there were tries.
type Shelves struct {
	root string
}

func NewShelves(root string) (Shelves, error) {
	for _, shelf := range []string{"volumes", "snapshots", "groups", "tries"} {
		if err := os.MkdirAll(filepath.Join(root, shelf), 0o755); err != nil {
			return Shelves{}, err
		}
	}
	return Shelves{root}, nil
}

func (s Shelves) place(shelf, id string) string {
	return filepath.Join(s.root, shelf, filepath.Base(id))
}

func (s Shelves) data(shelf, id string) string {
	return filepath.Join(s.place(shelf, id), "data")
}

// image is the file of a volume that has a file system of its own.
func (s Shelves) image(id string) string {
	return filepath.Join(s.data("volumes", id), "image")
}

// format makes that file, or takes one that was copied to its size: what is in it grows when it is mounted.
func (s Shelves) format(id string, bytes int64) error {
	_, err := os.Stat(s.image(id))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		return os.Truncate(s.image(id), bytes)
	}
	file, err := os.Create(s.image(id))
	if err != nil {
		return err
	}
	if err := errors.Join(file.Truncate(bytes), file.Close()); err != nil {
		return err
	}
	return run("mkfs.xfs", "-q", s.image(id))
}

// read fills about from the object's file; false where there is no such object.
func (s Shelves) read(shelf, id string, about any) (bool, error) {
	text, err := os.ReadFile(filepath.Join(s.place(shelf, id), "about.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal(text, about)
}

// write is what makes an object exist, so its data is there before.
func (s Shelves) write(shelf, id string, about any) error {
	text, err := json.MarshalIndent(about, "", " ")
	if err != nil {
		return err
	}
	file := filepath.Join(s.place(shelf, id), "about.json")
	if err := os.WriteFile(file+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// fill makes the data of a new object: empty, or a copy.
func (s Shelves) fill(shelf, id, source string) error {
	target := s.data(shelf, id)
	if err := os.RemoveAll(target); err != nil { // of a try that was cut off
		return err
	}
	if source == "" {
		return os.MkdirAll(target, 0o777)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if told, err := exec.Command("cp", "-a", source, target).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w: %s", err, told)
	}
	return nil
}

// make is for an object that has no data.
func (s Shelves) make(shelf, id string) error {
	return os.MkdirAll(s.place(shelf, id), 0o755)
}

// remove ends an object with all that belongs to it.
func (s Shelves) remove(shelf, id string) error {
	return os.RemoveAll(s.place(shelf, id))
}

func (s Shelves) snapshots() ([]Snapshot, error) {
	entries, err := os.ReadDir(filepath.Join(s.root, "snapshots"))
	if err != nil {
		return nil, err
	}
	var found []Snapshot
	for _, entry := range entries {
		var one Snapshot
		there, err := s.read("snapshots", entry.Name(), &one)
		if err != nil {
			return nil, err
		}
		if there {
			found = append(found, one)
		}
	}
	return found, nil
}

// fail refuses the first so many tries of an action on an object.
func (s Shelves) fail(traits Traits, action, id string) error {
	times := traits.number(action + "-fails")
	if times == 0 {
		return nil
	}
	file := filepath.Join(s.root, "tries", action+"-"+filepath.Base(id))
	tries, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if int64(len(tries)) >= times {
		return nil
	}
	tries = append(tries, '.')
	if err := os.WriteFile(file, tries, 0o644); err != nil {
		return err
	}
	return status.Errorf(codes.Unavailable, "the storage is away: try %d of %d of %s %s", len(tries), times, action, id)
}

// named makes an id from a name that a sidecar gave.
func named(prefix, name string) string {
	return prefix + strings.NewReplacer("/", "-", ".", "-").Replace(name)
}
