// Package natsq is the NATS side of the dispatch: the streams and consumers, the source of jobs, and the outlet for status
// events, held jobs and dead letters.
//
// # Streams
//
// Names are derived from the prefix, see [Layout]. JOBS_URGENT, JOBS_NORMAL and JOBS_BULK are work queues that refuse new jobs when full,
// one stream a lane because that refusal is stream-wide. LATER holds jobs until a time, as message schedules. RECEIPTS is the work queue of what
// providers told, see [Receipts]. STATUS and DEAD are kept for a while and read by anybody. The bucket CONTROL
// holds what operators want of accounts, see [Control].
//
// # Permissions
//
// A worker that doesn't provision needs to publish on
//
//	$JS.API.STREAM.INFO.<stream>                       for Check alone, but for the job streams, LATER, STATUS and RECEIPTS
//	$JS.API.CONSUMER.INFO.<stream>.<consumer>
//	$JS.API.CONSUMER.MSG.NEXT.<stream>.<consumer>
//	$JS.ACK.<stream>.<consumer>.>  and  $JS.ACK.*.*.<stream>.<consumer>.>
//	$JS.API.STREAM.MSG.GET.<stream>                    for the job streams and LATER
//	$JS.API.CONSUMER.CREATE.<status stream>.>  and the same with CONSUMER.MSG.NEXT and CONSUMER.DELETE
//	$JS.API.STREAM.MSG.GET.<receipts stream>  and  $JS.API.STREAM.MSG.DELETE.<receipts stream>
//	<prefix>.status.>  <prefix>.dead.>  <prefix>.later.>  <prefix>.receipts.>
//	$JS.API.STREAM.INFO.KV_<control bucket>  $JS.API.STREAM.MSG.GET.KV_<control bucket>
//	$JS.API.CONSUMER.CREATE.KV_<control bucket>.>  and the same with CONSUMER.DELETE
//	$JS.FC.KV_<control bucket>.>  $KV.<control bucket>.*
//
// and to subscribe to its own inbox prefix. To answer operators it also needs to subscribe to
//
//	<prefix>.control.account.*  $SRV.PING  $SRV.PING.gonets.>  $SRV.PING.gonets  and the same with $SRV.INFO and $SRV.STATS
//
// and to publish answers (allow_responses). What it asks of streams and consumers it needs at its start and whenever the claims
// lost their data, see [Delivered], [UnderWay] and [ReadStatus], and for its metrics, see [Backlogs].
//
// An operator who controls accounts needs an inbox prefix and <prefix>.control.account.list, .pause, .resume and .limit, as far as each may be done.
// Nobody but workers may publish on $KV.<control bucket>.>.
//
// An operator who looks at dead letters needs, beside an inbox prefix,
//
//	$JS.API.STREAM.INFO.<dead stream>  $JS.API.STREAM.MSG.GET.<dead stream>
//	$JS.API.CONSUMER.CREATE.<dead stream>.>  and the same with CONSUMER.MSG.NEXT and CONSUMER.DELETE
//
// to purge them also
//
//	$JS.API.STREAM.MSG.DELETE.<dead stream>
//
// and to replay them also
//
//	$JS.API.CONSUMER.INFO.<later stream>.<consumer>  <prefix>.later.due.>
//
// One who audits needs the first two lines for the status stream, and STREAM.INFO and STREAM.MSG.GET for the job streams and LATER.
//
// Nobody but workers and operators who replay dead letters may publish on <prefix>.later.>, and nobody but workers on
// <prefix>.receipts.>: what comes out of there is trusted.
package natsq
