package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

func purses(rows ...[3]string) (out []providers.Balance) {
	for _, r := range rows {
		out = append(out, providers.Balance{Amount: r[0], Credit: r[1], Unit: r[2]})
	}
	return out
}

func TestPurses(t *testing.T) {
	for name, c := range map[string]struct {
		purses []providers.Balance
		least  string
		empty  bool
		short  bool
	}{
		"none is named":                   {nil, "100", false, false},
		"none can be read":                {purses([3]string{"much", "", "RUB"}), "100", false, false},
		"enough":                          {purses([3]string{"100.00", "0.0", "RUB"}), "100", false, false},
		"a hundredth too little":          {purses([3]string{"99.99", "0.0", "RUB"}), "100.000", false, true},
		"nothing, and no minimum":         {purses([3]string{"0.00", "", "RUB"}), "0", true, false},
		"below nothing":                   {purses([3]string{"-0.01", "", "RUB"}), "0", true, true},
		"below nothing within the credit": {purses([3]string{"-300", "1000", "RUB"}), "500", false, false},
		"the credit's end is near":        {purses([3]string{"-600", "1000", "RUB"}), "500", false, true},
		"the credit is used up":           {purses([3]string{"-1000", "1000", "RUB"}), "0", true, false},
		"messages beside no money":        {purses([3]string{"0.00", "0.0", "RUB"}, [3]string{"-508784", "1000000", "SMS"}), "10", false, true},
		"messages before the money":       {purses([3]string{"5", "", "SMS"}, [3]string{"50", "", "RUB"}), "10", false, false},
		"messages alone":                  {purses([3]string{"5", "", "SMS"}, [3]string{"50", "", "Viber RU"}), "10", false, true},
		"no unit":                         {purses([3]string{"5", "", ""}), "10", false, true},
		"more digits than a float has":    {purses([3]string{"100000000000000000.01", "", "RUB"}), "100000000000000000.02", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.empty, empty(c.purses))
			require.Equal(t, c.short, short(c.purses, c.least))
		})
	}
}

func TestVerdict(t *testing.T) {
	nothing, little := purses([3]string{"0.00", "", "RUB"}), purses([3]string{"0.50", "", "RUB"})
	closed := dispatch.AccountState{Circuit: dispatch.Closed, Generation: 7}
	paused := dispatch.AccountState{Circuit: dispatch.Paused, Cause: job.InsufficientFunds, Generation: 7}
	probed := dispatch.AccountState{Circuit: dispatch.HalfOpen, Cause: job.InsufficientFunds, Generation: 7}
	open := dispatch.AccountState{Circuit: dispatch.Open, Cause: job.Unavailable, Generation: 7}
	locked := dispatch.AccountState{Circuit: dispatch.Paused, Cause: job.Unauthorized, Generation: 7}
	const nobody = dispatch.NotMade // here: nothing is reported
	for name, c := range map[string]struct {
		state dispatch.AccountState
		last  *reading
		now   []providers.Balance
		want  dispatch.Finding
	}{
		"money, asked":                        {closed, nil, little, nobody},
		"no purse is named":                   {closed, nil, nil, nobody},
		"nothing left":                        {closed, nil, nothing, dispatch.Refused},
		"nothing left, paused":                {paused, &reading{Purses: nothing, Generation: 7}, nothing, dispatch.Refused},
		"nothing left, probed":                {probed, &reading{Purses: nothing, Generation: 7}, nothing, dispatch.Refused},
		"nothing left, open":                  {open, nil, nothing, nobody},
		"nothing left, unauthorized":          {locked, nil, nothing, nobody},
		"money came":                          {paused, &reading{Purses: nothing, Generation: 7}, little, dispatch.Mended},
		"money came, another pause":           {paused, &reading{Purses: nothing, Generation: 6}, little, nobody},
		"money came, unauthorized":            {locked, &reading{Purses: nothing, Generation: 7}, little, nobody},
		"refused with some left":              {paused, nil, little, nobody},
		"refused with some left, as before":   {paused, &reading{Purses: little, Generation: 7}, little, nobody},
		"nothing was left, none is named now": {paused, &reading{Purses: nothing, Generation: 7}, nil, nobody},
	} {
		t.Run(name, func(t *testing.T) {
			r, due := verdict(c.state, c.last, reading{Purses: c.now}, 30*time.Second)
			require.Equal(t, c.want != nobody, due)
			if !due {
				return
			}
			require.Equal(t, c.want, r.Finding)
			require.Equal(t, job.InsufficientFunds, r.Cause)
			require.EqualValues(t, 7, r.Generation)
			if c.want == dispatch.Refused {
				require.Greater(t, r.For, time.Minute, "longer than until the next reading")
				require.NotEmpty(t, r.Words)
			}
		})
	}
}
