package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// StartNATS starts n NATS servers, by a program whose part nats is [RunNATS], with their data under dir: one alone, or a cluster, which takes
// streams of n replicas when StartNATS returns. The URL names all of them. The servers are returned along with an error, too, as far as they were started.
func StartNATS(ctx context.Context, self string, env []string, dir string, n int) (servers []*Process, url string, err error) {
	var addrs, routes, urls []string
	for range n {
		addr, err := FreeAddr()
		if err != nil {
			return nil, "", err
		}
		addrs, routes = append(addrs, addr), append(routes, "nats://"+addr)
	}
	for i, addr := range addrs {
		args := []string{"-dir", filepath.Join(dir, fmt.Sprint("jetstream-", i+1)), "-name", fmt.Sprint("lab-", i+1)}
		if n > 1 {
			args = append(args, "-cluster", addr, "-routes", strings.Join(routes, ","))
		}
		child, said, err := StartSelf(ctx, self, env, "nats", args...)
		if err != nil {
			return servers, "", err
		}
		servers, urls = append(servers, child), append(urls, said[0])
	}
	url = strings.Join(urls, ",")
	if n > 1 {
		err = awaitReplicas(ctx, url, n)
	}
	return servers, url, err
}

// awaitReplicas returns once a cluster takes streams of n replicas.
func awaitReplicas(ctx context.Context, url string, n int) error {
	ctx, cancel := context.WithTimeout(ctx, StartWithin)
	defer cancel()
	nc, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	pace := time.NewTicker(50 * time.Millisecond)
	defer pace.Stop()
	for {
		if err = tryReplicas(ctx, js, n); err == nil {
			return nil
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return fmt.Errorf("the NATS cluster takes no stream of %d replicas: %w", n, err)
		}
	}
}

// tryReplicas makes a stream and deletes it. Before there is a leader there is no answer, and before the leader knows all servers a refusal.
func tryReplicas(ctx context.Context, js jetstream.JetStream, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	const name = "LAB"
	if _, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{"lab"}, Replicas: n}); err != nil {
		return err
	}
	return js.DeleteStream(ctx, name)
}
