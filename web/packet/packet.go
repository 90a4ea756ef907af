package packet

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"

	"assay"
	"assay/storage"
	"assay/storage/blob"
)

// Builder builds packets. Its fields are set once, before the first job.
type Builder struct {
	DB    *storage.DB
	Blobs blob.Store
	Key   ed25519.PrivateKey // signs every manifest
	Build string             // names the program in what it writes
}

// Handle builds the packet that job asks for. It may be called again for the same job: a packet that is ready stays as it is, and
// building it twice stores the same bytes. A packet that cannot be built is marked as failed with a sentence for the person who
// asked, who may ask again; an error that is ours is returned as well, for the log.
func (b *Builder) Handle(ctx context.Context, job assay.PacketJob) error {
	data, err := b.DB.PacketData(ctx, job.Packet)
	if err != nil {
		return fmt.Errorf("read loop of packet %s: %w", job.Packet, err)
	}
	if data.Packet.Status != assay.PacketRequested {
		return nil // built or given up before
	}
	p := data.Packet
	if err := b.build(ctx, data, &p); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("build packet %s: %w", p.ID, err) // stopped, not failed: it is built after the restart
		}
		if ferr := b.DB.FailPacket(ctx, p.ID, assay.ErrorMessage(err)); ferr != nil {
			return fmt.Errorf("mark packet %s as failed: %w", p.ID, errors.Join(ferr, err))
		}
		if assay.ErrorCode(err) == assay.Internal {
			return fmt.Errorf("build packet %s: %w", p.ID, err)
		}
		return nil
	}
	if err := b.DB.FinishPacket(ctx, p); err != nil {
		return fmt.Errorf("finish packet %s: %w", p.ID, err)
	}
	return nil
}

func (b *Builder) build(ctx context.Context, data storage.PacketData, p *assay.Packet) error {
	snap, err := Load(ctx, data, b.Blobs)
	if err != nil {
		return err
	}
	snap.Build = b.Build
	made, err := Make(snap, b.Key)
	if err != nil {
		return err
	}
	for _, out := range []struct {
		key  *string
		data []byte
	}{{&p.ZipKey, made.Zip}, {&p.HTMLKey, made.HTML}, {&p.JSONKey, made.JSON}} {
		if *out.key, err = blob.PutBytes(ctx, b.Blobs, out.data); err != nil {
			return fmt.Errorf("store packet: %w", err)
		}
	}
	p.Digest, p.ChainHead = made.Digest, made.ChainHead
	return nil
}

// Load turns what storage knows into a Snapshot: it sorts the submissions to their questions and reads the files that will be shown.
func Load(ctx context.Context, data storage.PacketData, blobs blob.Store) (Snapshot, error) {
	s := Snapshot{Packet: data.Packet, Loop: data.Loop, Opening: data.Opening, Candidate: data.Candidate, Scorecards: data.Scorecards,
		Amendments: data.Amendments, Users: data.Users, Votes: data.Votes, Decisions: data.Decisions, Audit: data.Audit, ChainHead: data.ChainHead}
	for _, in := range data.Interviews {
		sit := Sitting{Interview: in.Interview, Kit: in.Kit, Panel: in.Panel, Credits: in.Credits}
		for _, e := range data.Audit { // the log alone keeps what was written
			if e.Act == "interview.cancelled" && e.Object == string(in.Interview.ID) {
				sit.Cancelled = e.Details["cause"]
			}
		}
		for _, item := range in.Items {
			asked := Asked{Item: item.Item, Question: item.Question.Public}
			for _, sub := range in.Submissions {
				if sub.Submission.ItemID != item.Item.ID {
					continue
				}
				h := Handed{Submission: sub.Submission, Comments: sub.Comments}
				if sub.Attempt.ID != "" {
					h.Attempt = &sub.Attempt
				}
				asked.Handed = append(asked.Handed, h)
			}
			asked.Handed = sorted(asked.Handed, func(h Handed) string {
				return h.Submission.CreatedAt.UTC().Format("20060102150405.000000") + string(h.Submission.ID)
			})
			sit.Asked = append(sit.Asked, asked)
		}
		s.Interviews = append(s.Interviews, sit)
	}
	if hidesQuestions(s.Packet.Blind) {
		return s, nil
	}
	shown := newBuild(s).m.shown
	var total int64
	for i := range s.Interviews {
		for j := range s.Interviews[i].Asked {
			for k := range s.Interviews[i].Asked[j].Handed {
				h := &s.Interviews[i].Asked[j].Handed[k]
				if !shown[h.Submission.ID] {
					continue
				}
				if err := h.read(ctx, blobs, &total); err != nil {
					return Snapshot{}, err
				}
			}
		}
	}
	return s, nil
}

func (h *Handed) read(ctx context.Context, blobs blob.Store, total *int64) error {
	h.Omitted = map[string]string{}
	for n, f := range h.Submission.Files {
		switch {
		case n >= assay.MaxFiles:
			h.Omitted[f.Path] = "Left out: more files than a submission may have."
			continue
		case f.Size > assay.MaxFileSize:
			h.Omitted[f.Path] = "Left out: larger than a submitted file may be."
			continue
		case *total+f.Size > maxCodeBytes:
			h.Omitted[f.Path] = "Left out: the files of this loop are larger than one packet carries."
			continue
		}
		raw, err := blob.ReadAll(ctx, blobs, f.Key, assay.MaxFileSize)
		if errors.Is(err, fs.ErrNotExist) {
			return assay.Errorf(assay.Unavailable, "A file of submission %s (%s) is missing from the file store, so the packet would not be whole. "+
				"Restore it from a backup, then ask for the packet again.", h.Submission.ID, f.Path)
		}
		if err != nil {
			return fmt.Errorf("read %s of %s: %w", f.Path, h.Submission.ID, err)
		}
		*total += int64(len(raw))
		h.Files = append(h.Files, assay.File{Path: f.Path, Content: string(raw)})
	}
	return nil
}
