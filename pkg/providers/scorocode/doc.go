// Package scorocode sends push and sms messages through the API of Scorocode.
//
// A message addresses many: Scorocode looks for the recipients in one of its collections, by a query, and tells how
// many it found, without ids or receipts. So a message is one request, what it took is the last word, and since nothing
// tells it a repeat from another message, an ambiguous one can't be sent again without risk.
//
// Leaving the query out addresses everyone. That is done only for an audience that says so; an empty query is refused
// before it gets there.
package scorocode
