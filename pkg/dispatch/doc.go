// Package dispatch is the way of a job.
package dispatch
