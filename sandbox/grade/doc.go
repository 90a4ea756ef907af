// Package grade turns what a candidate handed in into a report and a verdict.
//
// Two containers, and our own code between them: the candidate's holds their files and the public data and answers questions; the
// judge's holds the hidden harness and the hidden data and asks them. Neither sees the other's files, process or clock, and no
// byte passes between them that sandbox.Relay has not read and written anew. What a candidate's program prints or writes is a
// log, a curve or a public check for people to look at; a score comes only from the report that the judge sends over its own
// wire, and even the judge only says what it found: points follow from the question (score) and the verdict from what we
// measured (verdict).
//
// Grade and RunPublic need no database. Grader.Handle wraps them for the queue, and Verify for authors.
//
// An error from here means that we failed (a *HarnessError, a *sandbox.EngineError, a lost blob): it is retried, and no candidate
// is blamed. Whatever a candidate's program does is a Result.
package grade
