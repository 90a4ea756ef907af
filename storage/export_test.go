package storage

// Rows are the types whose rows the database keeps, for the drift test.
var OwnRows = []any{&session{}, &loginFailure{}}

var Coded = coded
