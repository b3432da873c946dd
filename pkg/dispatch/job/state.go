package job

// States returns all states, in the order of the contract.
func States() []State {
	return []State{
		Scheduled, Waiting, Retrying, Submitted, Delivered, Undelivered, Rejected, Expired, Failed, Unknown, Duplicate,
	}
}

// Final tells whether no event is expected after one of this state. Submitted is final only where the account can't report
// delivery. Unknown is, until a late answer resolves it. States that this version doesn't know are not.
func (s State) Final(reportsDelivery bool) bool {
	switch s {
	case Delivered, Undelivered, Rejected, Expired, Failed, Unknown:
		return true
	case Submitted:
		return !reportsDelivery
	}
	return false
}
