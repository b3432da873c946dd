// Package mysmpp sends sms and viber messages through the JSON interface of MySMPP.
//
// A packet groups messages by channel, sender and text, and its reply is a flat list of rows in the order of the phones,
// without phone or id: rows are matched by position, and a reply of another length leaves the whole packet ambiguous. That
// costs nothing but a repeat: each message carries an id derived from its key (client_id_sms), and the provider sends no
// message twice with the same one, but gives back the number of the first.
//
// What becomes of a message is told when asked for by the provider's number, and posted by the provider itself to a webhook that was named to
// it. Both write times in the account's zone, and neither echoes our own id. These, the balance and the webhook's answer are known from the
// service's public documentation of its JSON interface.
package mysmpp
