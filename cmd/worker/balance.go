package main

import (
	"math/big"
	"slices"
	"time"

	"github.com/gonets/gonets/pkg/providers"
)

// reading is what one worker learnt of an account's balance, for all of them.
type reading struct {
	At         time.Time           `json:"at"` // by that worker's clock; no two are alike
	Purses     []providers.Balance `json:"purses"`
	Generation int64               `json:"generation"` // of the account's state that it belongs to
}

// left is what can be spent of a purse: the amount, and what it may go below zero. nil where the provider's words are no number.
func left(b providers.Balance) *big.Rat {
	amount, ok := new(big.Rat).SetString(b.Amount)
	if !ok {
		return nil
	}
	if credit, ok := new(big.Rat).SetString(b.Credit); ok {
		amount.Add(amount, credit)
	}
	return amount
}

// empty tells whether nothing can be spent: purses are named, and there is nothing in any. Where none can be read, nothing is known.
func empty(purses []providers.Balance) bool {
	known := false
	for _, b := range purses {
		l := left(b)
		if l != nil && l.Sign() > 0 {
			return false
		}
		known = known || l != nil
	}
	return known
}

// short tells whether less can be spent than least, decimal text: of the first purse of a currency, or where there is none, of the first. So an account
// of messages has its minimum in messages.
func short(purses []providers.Balance, least string) bool {
	readable := slices.DeleteFunc(slices.Clone(purses), func(b providers.Balance) bool { return left(b) == nil })
	if len(readable) == 0 {
		return false
	}
	i := max(0, slices.IndexFunc(readable, func(b providers.Balance) bool { return currency(b.Unit) }))
	limit, ok := new(big.Rat).SetString(least)
	return ok && left(readable[i]).Cmp(limit) < 0
}

// currency tells whether a unit looks like one of ISO 4217, and isn't SMS.
func currency(unit string) bool {
	for _, r := range unit {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return len(unit) == 3 && unit != "SMS"
}
