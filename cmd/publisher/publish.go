package main

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// messageOf makes the message that publishes a job. Its id makes every repeat of it harmless.
func messageOf(prefix string, to job.Address, id string, body []byte) *nats.Msg {
	return &nats.Msg{
		Subject: to.JobSubject(prefix),
		Header:  nats.Header{"Nats-Msg-Id": {job.MsgID(to.Tenant, id, body)}},
		Data:    body,
	}
}

// newID makes a job's id: a UUID of version 7 (RFC 9562), whose beginning is the time, so that ids sort by it.
func newID(now time.Time) string {
	var u [16]byte
	_, _ = rand.Read(u[6:]) // never fails
	ms := now.UnixMilli()
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	x := hex.EncodeToString(u[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
