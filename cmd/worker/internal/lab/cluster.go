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

// StartNATS starts n NATS servers, by a program whose part nats is [RunNATS], with their data under dir: one alone, or a cluster, which has chosen its
// leader when StartNATS returns. The URL names all of them. The servers are returned along with an error, too, as far as they were started.
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
		err = awaitLeader(ctx, url)
	}
	return servers, url, err
}

// awaitLeader returns once JetStream answers in a cluster.
func awaitLeader(ctx context.Context, url string) error {
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
		if err = answers(ctx, js); err == nil {
			return nil
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return fmt.Errorf("the NATS cluster has no leader: %w", err)
		}
	}
}

// answers asks once; a question that comes before there is a leader gets no answer.
func answers(ctx context.Context, js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err := js.AccountInfo(ctx)
	return err
}
