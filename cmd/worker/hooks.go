package main

import (
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/receipts"
)

// What a post may be like.
const (
	hookBytes  = 1 << 20
	hookWithin = 10 * time.Second
)

// hooks answers POST /webhooks/<account>/<secret>: what a provider posts about messages is stored, and then answered as the provider expects
// it. Until it is open, and for every path that isn't an account's own, there is nothing here.
type hooks struct {
	open atomic.Pointer[openHooks] // nil: not yet
}

type openHooks struct {
	service *receipts.Service
	secrets map[string]string
	log     *zap.Logger
}

// serve opens the paths of the accounts that have a secret.
func (h *hooks) serve(s *receipts.Service, cfg *config.Config, log *zap.Logger) {
	o := &openHooks{service: s, secrets: map[string]string{}, log: log}
	for _, a := range cfg.Accounts {
		if a.WebhookSecret != "" {
			o.secrets[a.Name] = string(a.WebhookSecret)
		}
	}
	h.open.Store(o)
}

// ServeHTTP implements [http.Handler].
func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o := h.open.Load()
	if o == nil {
		http.Error(w, "not yet", http.StatusServiceUnavailable)
		return
	}
	account := r.PathValue("account")
	secret := o.secrets[account]
	if secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(r.PathValue("secret"))) != 1 {
		http.NotFound(w, r)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(hookWithin)) // fails on a connection that can't have one
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, hookBytes))
	if err != nil {
		http.Error(w, "too large, or it broke off", http.StatusRequestEntityTooLarge)
		return
	}
	answer, err := o.service.Hook(r.Context(), account, body)
	if err != nil {
		o.refuse(w, account, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer) // a provider that is gone posts again
}

// refuse answers a post that isn't taken.
func (o *openHooks) refuse(w http.ResponseWriter, account string, err error) {
	o.log.Warn("a post to the webhook isn't taken", zap.String("account", account), zap.Error(err))
	if _, theirs := errors.AsType[*receipts.NotTheirs](err); theirs {
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	http.Error(w, "not stored, post it again", http.StatusServiceUnavailable)
}
