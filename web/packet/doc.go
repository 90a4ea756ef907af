// Package packet builds what a hiring committee decides from: everything about one loop, frozen, signed and checkable offline.
//
// It is a rendering, never a judgement: it adds up no total, writes no verdict and leaves every opinion in its author's words. The
// way of the data is one line, and each stop is a pure function of the one before:
//
//	storage.PacketData → Snapshot (files read from blobs) → blind → Doc (packet.json) → pages (packet.html) → files → zip
//
// The same snapshot gives the same bytes: the only clock is the snapshot's RequestedAt, lists are sorted, zip times are fixed.
//
// What a packet never holds, at any blind level: a photo, an age, private notes, accommodations (nor clock times from which one
// could be inferred), drafts of scorecards, shadows' scorecards, a total score, a machine's verdict on a person.
//
// Verify is the other half. It needs the zip and nothing else, and names the first file that is not as it was signed.
package packet
