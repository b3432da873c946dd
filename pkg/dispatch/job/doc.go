// Package job is the wire of gonets: the job that producers publish and the status event that consumers read, with
// their subjects, headers and rules. It knows neither NATS nor providers and can be imported by both sides.
package job
