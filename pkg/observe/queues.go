package observe

import (
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
)

// other stands for a value that the configuration doesn't have, such as a route that was taken out of it. No name looks like it.
const other = "_other"

// queues counts what is told of jobs, by the queue they came from. Every counter stands ready, so to count is to add.
type queues struct {
	of     map[queueKey]*queue
	rest   *queue // of what isn't configured
	states []job.State
	codes  []job.Code
	dead   *prometheus.CounterVec
}

type queueKey struct {
	lane  job.Lane
	route string
}

// queue is the counters of one lane and route.
type queue struct {
	jobs         []prometheus.Counter // as in queues.states
	redeliveries prometheus.Counter
}

func newQueues(f promauto.Factory, routes []dispatch.Route) *queues {
	jobs := f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "jobs_total",
		Help: "Status events published, by the state they tell."}, []string{"lane", "route", "state"})
	redeliveries := f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "redeliveries_total",
		Help: "Jobs that the server handed over again: they were given back, or a worker didn't answer in time."}, []string{"lane", "route"})
	q := &queues{of: map[queueKey]*queue{}, states: append(job.States(), other), codes: job.Codes(),
		dead: f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "dead_letters_total",
			Help: "Jobs put into the dead letters, by reason."}, []string{"route", "reason"})}
	add := func(lane job.Lane, route string) *queue {
		one := &queue{redeliveries: redeliveries.WithLabelValues(string(lane), route)}
		for _, s := range q.states {
			one.jobs = append(one.jobs, jobs.WithLabelValues(string(lane), route, string(s)))
		}
		return one
	}
	for _, r := range routes {
		for _, lane := range job.Lanes() {
			q.of[queueKey{lane, r.Name}] = add(lane, r.Name)
		}
		for _, reason := range []job.Code{job.Unavailable, job.Ambiguous} { // what jobs die of as a rule
			q.dead.WithLabelValues(r.Name, string(reason))
		}
	}
	q.rest = add(other, other)
	return q
}

func (q *queues) at(lane job.Lane, route string) *queue {
	if one := q.of[queueKey{lane, route}]; one != nil {
		return one
	}
	return q.rest
}

// state is the counter of a state.
func (q *queues) state(e *dispatch.Event) prometheus.Counter {
	i := slices.Index(q.states, e.State)
	if i < 0 {
		i = len(q.states) - 1
	}
	return q.at(e.Lane, e.Route).jobs[i]
}

// countedSource counts what comes again.
type countedSource struct {
	dispatch.Source
	queue *queue
}

// Run implements [dispatch.Source].
func (s *countedSource) Run(ctx context.Context, handle func(dispatch.Delivery)) error {
	return s.Source.Run(ctx, func(d dispatch.Delivery) {
		if d.Redelivered {
			s.queue.redeliveries.Inc()
		}
		handle(d)
	})
}

// countedOutlet counts what was stored. A call that failed is repeated by its caller, so only the one that succeeds counts.
type countedOutlet struct {
	dispatch.Outlet
	queues *queues
}

// Publish implements [dispatch.Outlet].
func (o *countedOutlet) Publish(ctx context.Context, events []dispatch.Event) error {
	err := o.Outlet.Publish(ctx, events)
	if err == nil {
		o.queues.count(events)
	}
	return err
}

// count counts runs of equal events at once: those of a packet mostly are.
func (q *queues) count(events []dispatch.Event) {
	for from := 0; from < len(events); {
		e := &events[from]
		to := from + 1
		for to < len(events) && events[to].State == e.State && events[to].Route == e.Route && events[to].Lane == e.Lane {
			to++
		}
		q.state(e).Add(float64(to - from))
		from = to
	}
}

// Bury implements [dispatch.Outlet].
func (o *countedOutlet) Bury(ctx context.Context, dead []dispatch.DeadLetter) error {
	err := o.Outlet.Bury(ctx, dead)
	if err == nil {
		o.queues.bury(dead)
	}
	return err
}

func (q *queues) bury(dead []dispatch.DeadLetter) {
	for i := range dead {
		route, reason := dead[i].Delivery.Address.Route, dead[i].Reason
		if q.of[queueKey{job.Urgent, route}] == nil {
			route = other
		}
		if !slices.Contains(q.codes, reason) {
			reason = other
		}
		q.dead.WithLabelValues(route, string(reason)).Inc()
	}
}
