package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Cluster tells whether a volume is in use. A driver on real nodes knows from its own node service; here nodes are only played.
type Cluster struct {
	server string
	token  string
	client *http.Client
}

func NewCluster(server, authority, tokenFile string) (*Cluster, error) {
	certificate, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificate) {
		return nil, fmt.Errorf("no certificate in %s", authority)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	return &Cluster{server, strings.TrimSpace(string(token)), &http.Client{Transport: transport, Timeout: 5 * time.Second}}, nil
}

type podList struct {
	Items []struct {
		Metadata struct{ Name string }
		Spec     struct {
			NodeName string
			Volumes  []struct {
				PersistentVolumeClaim *struct{ ClaimName string }
			}
		}
		Status struct{ Phase string }
	}
}

// user is a pod that has the volume's claim on a node; "" where there is none. Who the volume was made for is among its traits.
func (c *Cluster) user(ctx context.Context, traits Traits) (string, error) {
	namespace, claim := traits[fromSidecars+"pvc/namespace"], traits[fromSidecars+"pvc/name"]
	address := c.server + "/api/v1/namespaces/" + url.PathEscape(namespace) + "/pods"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	answer, err := c.client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", address, answer.Status)
	}
	var pods podList
	if err := json.NewDecoder(answer.Body).Decode(&pods); err != nil {
		return "", err
	}
	for _, pod := range pods.Items {
		if pod.Spec.NodeName == "" || pod.Status.Phase == "Succeeded" || pod.Status.Phase == "Failed" {
			continue
		}
		for _, volume := range pod.Spec.Volumes {
			if volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ClaimName == claim {
				return pod.Metadata.Name, nil
			}
		}
	}
	return "", nil
}
