// Package natsq is the NATS side of the dispatch: the streams and consumers, the source of jobs, and the outlet for status
// events, held jobs and dead letters.
//
// # Streams
//
// Names are derived from the prefix, see [Layout]. JOBS_URGENT, JOBS_NORMAL and JOBS_BULK are work queues that refuse new jobs when full,
// one stream a lane because that refusal is stream-wide. LATER holds jobs until a time, as message schedules. STATUS and DEAD
// are kept for a while and read by anybody.
//
// # Permissions
//
// A worker that doesn't provision needs to publish on
//
//	$JS.API.STREAM.INFO.<stream>                       for Check alone
//	$JS.API.CONSUMER.INFO.<stream>.<consumer>          for Check alone
//	$JS.API.CONSUMER.MSG.NEXT.<stream>.<consumer>
//	$JS.ACK.<stream>.<consumer>.>  and  $JS.ACK.*.*.<stream>.<consumer>.>
//	<prefix>.status.>  <prefix>.dead.>  <prefix>.later.>
//
// and to subscribe to its own inbox prefix. Nobody but workers and operators who replay dead letters may publish on <prefix>.later.>: what
// comes out of there is trusted.
package natsq
