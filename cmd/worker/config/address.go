package config

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/gonets/gonets/pkg/providers"
	"github.com/redis/go-redis/v9"
)

// natsURL reads one or several URLs of NATS.
func natsURL(s string) (providers.Secret, error) {
	for one := range strings.SplitSeq(s, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return "", errors.New("is no NATS URL, use nats://host:port, tls://, ws:// or wss://, several separated by commas")
		}
	}
	return providers.Secret(s), nil
}

// redisURLs reads one or several URLs of Redis.
func redisURLs(s string) ([]providers.Secret, error) {
	var all []providers.Secret
	var first *redis.Options
	for one := range strings.SplitSeq(s, ",") {
		one = strings.TrimSpace(one)
		u, err := url.Parse(one)
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"redis", "rediss"}, u.Scheme) {
			return nil, errors.New("is no Redis URL, use redis://host:port/0 or rediss://, several separated by commas for Redis Cluster")
		}
		opts, err := redis.ParseURL(one)
		if err != nil { // its words may hold the URL
			return nil, errors.New("is no Redis URL that can be used, use redis://user:password@host:port/number without further parameters")
		}
		if opts.TLSConfig != nil && opts.TLSConfig.InsecureSkipVerify {
			return nil, errors.New("turns the check of certificates off, use redis.tls.ca for authorities of your own")
		}
		if first == nil {
			first = opts
		}
		if (first.TLSConfig == nil) != (opts.TLSConfig == nil) || first.Username != opts.Username || first.Password != opts.Password {
			return nil, errors.New("mixes schemes or credentials, use the same for every node of a cluster")
		}
		all = append(all, providers.Secret(one))
		if len(all) > 1 && (first.DB != 0 || opts.DB != 0) {
			return nil, errors.New("names a database for Redis Cluster, which has only number 0; leave it out")
		}
	}
	return all, nil
}

// providerURL reads the base URL of a provider's API. Whether plain http will do is for the account to say.
func providerURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return nil, errors.New("is no URL, use https://host, perhaps with a port and a path")
	case u.User != nil:
		return nil, errors.New("holds credentials, use the account's own keys for them")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("holds a query or a fragment, use https://host, perhaps with a port and a path")
	}
	return u, nil
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
}
