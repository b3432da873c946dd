package main

import (
	"github.com/spf13/cobra"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// address is the flags that tell where jobs are published, and how their phones are read.
type address struct {
	route  string
	lane   string
	tenant string
	region string
}

func (d *address) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&d.route, "route", "", "`ROUTE` of the jobs (required)")
	flags.StringVar(&d.lane, "lane", string(job.Normal), "`LANE`: urgent, normal or bulk")
	flags.StringVar(&d.tenant, "tenant", "default", "`TENANT` whose jobs they are")
	flags.StringVar(&d.region, "region", "RU", "`REGION` of phones without a country code, two letters as in ISO 3166")
}

func (d *address) parse() (job.Address, error) {
	if err := checkToken("route", d.route); err != nil {
		return job.Address{}, err
	}
	if err := checkToken("tenant", d.tenant); err != nil {
		return job.Address{}, err
	}
	lane, err := job.ParseLane(d.lane)
	if err != nil {
		return job.Address{}, usagef("--lane must be urgent, normal or bulk")
	}
	if err := checkRegion(d.region); err != nil {
		return job.Address{}, err
	}
	return job.Address{Lane: lane, Route: d.route, Tenant: d.tenant}, nil
}

func checkRegion(region string) error {
	if len(region) != 2 || region[0] < 'A' || region[0] > 'Z' || region[1] < 'A' || region[1] > 'Z' {
		return usagef("--region must be two capital letters such as RU")
	}
	return nil
}
