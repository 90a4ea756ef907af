// Package storage keeps everything that must survive: people, interviews, what candidates handed in, what judges found, what people
// decided, and the log of who did what. It speaks the types of package assay; nobody else meets the database.
//
// One method is one act of a person, and one transaction: the rows, the job that follows from them (package queue) and the line
// in the audit log are written together or not at all. Methods return *assay.Error codes. Nothing slow (containers, blobs, mail)
// happens in here.
//
// Reads of what colleagues judged (scorecards, votes, packets) ask assay.May with facts gathered in here, so that no page, stream
// or command can forget to. Reads without an actor return things that the caller must guard itself.
//
// SQLite is the default: one connection that writes, a pool that reads. PostgreSQL behaves the same, down to the order of writes:
// audited transactions run one after the other, as they do on SQLite.
package storage
