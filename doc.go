// Package assay is the vocabulary of an interview platform for machine-learning engineers that a company runs itself.
//
// An Opening (a role at a level) has Loops (one candidate's set of interviews for it). A Loop has Interviews (one sitting: a
// frozen Kit, a window, questions pinned to revisions and seeds, a panel). In an interview the candidate hands in Submissions;
// each is graded in Attempts, and an attempt yields a Report (checks, metrics, series) and from it a Verdict. Interviewers write
// Scorecards; a Packet gathers everything about one loop; people vote and one of them records a Decision.
//
// The main flow, stop by stop:
//
//	web          createSubmission: store the files, write the row and its grading job in one transaction
//	storage/queue  River wakes a worker with a GradeJob
//	sandbox/grade  claims the attempt (lease, epoch), runs the candidate's code in one container and the hidden harness in another
//	storage      FinishAttempt: report, verdict and audit line in one transaction
//	web          live: watches the row and its events and streams them to the page
//
// This package imports only the standard library, decides nothing that needs a database or a container, and is imported by
// every other. Its structs carry gorm tags (plain strings) and are the rows.
package assay
