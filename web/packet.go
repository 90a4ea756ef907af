package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"

	"assay"
	"assay/storage/blob"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// maxPacketPage bounds the packet's page that is read into memory; the archive is streamed.
const maxPacketPage = 64 << 20

func (s *Server) packetRows(ctx context.Context, actor assay.Actor, id assay.LoopID, who people) ([]view.PacketRow, error) {
	packets, err := s.DB.Packets(ctx, actor, id)
	if err != nil {
		return nil, fmt.Errorf("list packets: %w", err)
	}
	var rows []view.PacketRow
	for _, p := range packets {
		rows = append(rows, view.PacketRow{Packet: p, RequestedBy: who.name(p.RequestedBy)})
	}
	return rows, nil
}

func (s *Server) requestPacket(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	p, err := s.loopPage(c)
	if err != nil {
		return err
	}
	blind := assay.BlindLevel(optionOf(f, "blind", view.BlindOptions()))
	if f.err() == nil {
		if _, err := s.DB.RequestPacket(c.Request.Context(), actorOf(c), p.Loop.ID, blind); err != nil && !f.take(err) {
			return fmt.Errorf("request packet: %w", err)
		}
	}
	if f.err() != nil {
		p.Form = f.Form
		return s.invalidPage(c, loopHead(p), view.LoopContent(p))
	}
	return s.redirect(c, view.LoopPath(p.Loop.ID)+"#packets", "The packet is being built. Reload in a moment.")
}

// packetOf is the packet that the path names. The rule was asked about the loop in the path, so a packet of another loop is not
// found there.
func (s *Server) packetOf(c *gin.Context) (assay.Packet, error) {
	p, err := s.DB.Packet(c.Request.Context(), actorOf(c), assay.PacketID(c.Param("packet")))
	if err != nil {
		return p, err
	}
	if p.LoopID != assay.LoopID(c.Param("loop")) {
		return assay.Packet{}, assay.Errorf(assay.NotFound, "There is no such packet here.")
	}
	return p, nil
}

func (s *Server) showPacket(c *gin.Context) error {
	ctx, actor := c.Request.Context(), actorOf(c)
	packet, err := s.packetOf(c)
	if err != nil {
		return err
	}
	if packet.Status != assay.PacketReady {
		return assay.Errorf(assay.Conflict, "This packet is not there to read: it is being built, or building it failed.")
	}
	p := view.PacketPage{Packet: packet, CaseHref: view.LoopPath(packet.LoopID) + "/case"}
	head := view.Head{Title: "Packet, version " + strconv.Itoa(packet.Version), Wide: true, Crumbs: []view.Crumb{{Label: "Case", Href: p.CaseHref}}, Actions: view.PacketActions(p)}
	all, err := s.DB.Packets(ctx, actor, packet.LoopID)
	if err != nil {
		return fmt.Errorf("list packets: %w", err)
	}
	for _, other := range all {
		if other.Version > packet.Version && other.Status == assay.PacketReady && other.Blind == packet.Blind {
			p.Newer = view.PacketPath(other)
			break
		}
	}
	if err := s.DB.Note(ctx, actor, "packet.read", string(packet.ID), packet.LoopID, map[string]string{"version": strconv.Itoa(packet.Version)}); err != nil {
		return fmt.Errorf("note that a packet was read: %w", err)
	}
	c.Header("Content-Security-Policy", contentPolicy(nonceOf(ctx))+"; frame-src 'self'") // the packet stands in a frame
	return s.page(c, head, view.PacketContent(p))
}

// packetPolicy lets a packet's page show itself and nothing else: no request leaves it, no script runs, and only our own pages
// may frame it.
const packetPolicy = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// readPacket is the packet's own page, as it was built.
func (s *Server) readPacket(c *gin.Context) error {
	p, err := s.packetOf(c)
	if err != nil {
		return err
	}
	b, err := s.packetBlob(c.Request.Context(), p.HTMLKey)
	if err != nil {
		return err
	}
	c.Header("Content-Security-Policy", packetPolicy)
	c.Header("X-Frame-Options", "SAMEORIGIN")
	c.Data(http.StatusOK, "text/html; charset=utf-8", b)
	return nil
}

func (s *Server) downloadPacket(c *gin.Context) error {
	ctx, actor := c.Request.Context(), actorOf(c)
	p, err := s.packetOf(c)
	if err != nil {
		return err
	}
	if p.ZipKey == "" {
		return assay.Errorf(assay.NotFound, "This packet has not been built yet.")
	}
	r, err := s.Blobs.Open(ctx, p.ZipKey)
	if errors.Is(err, fs.ErrNotExist) {
		return errPacketGone
	} else if err != nil {
		return fmt.Errorf("open the packet: %w", err)
	}
	defer r.Close()
	if err := s.DB.Note(ctx, actor, "packet.downloaded", string(p.ID), p.LoopID, map[string]string{"version": strconv.Itoa(p.Version)}); err != nil {
		return fmt.Errorf("note that a packet was downloaded: %w", err)
	}
	c.DataFromReader(http.StatusOK, -1, "application/zip", r, map[string]string{
		"Content-Disposition": fmt.Sprintf(`attachment; filename="packet-%s-v%d.zip"`, p.LoopID, p.Version),
	})
	return nil
}

var errPacketGone = assay.Errorf(assay.NotFound, "The file store does not have this packet. Request it again: the record that it is made of is still there.")

func (s *Server) packetBlob(ctx context.Context, key string) ([]byte, error) {
	if key == "" {
		return nil, assay.Errorf(assay.NotFound, "This packet has no page to read.")
	}
	b, err := blob.ReadAll(ctx, s.Blobs, key, maxPacketPage)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errPacketGone
	} else if err != nil {
		return nil, fmt.Errorf("read the packet: %w", err)
	}
	return b, nil
}
