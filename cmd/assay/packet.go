package main

import (
	"fmt"
	"io"
	"os"

	"assay/web/packet"
)

type packetCmd struct {
	Verify packetVerifyCmd `cmd:"" help:"Check a packet offline: 0 unaltered, 1 altered or not signed by the key, 2 cannot be read."`
}

type packetVerifyCmd struct {
	File string   `arg:"" help:"The packet's zip."`
	Key  []string `name:"key" placeholder:"FINGERPRINT" help:"Whom to trust: the fingerprint that the company publishes. May be given more than once."`
}

// Run needs no configuration and no network: whoever holds a packet may check it anywhere.
func (cmd packetVerifyCmd) Run(a *app) error {
	f, err := os.Open(cmd.File)
	if err != nil {
		fmt.Fprintf(a.stderr, "assay: %v\n", err)
		return exitError(2)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", cmd.File)
	}
	var res packet.Result
	if err == nil {
		res, err = packet.Verify(f, info.Size(), packet.VerifyOptions{TrustedKeys: cmd.Key})
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "assay: %v\n", err)
		return exitError(2)
	}
	return cmd.print(a.stdout, res)
}

func (cmd packetVerifyCmd) print(w io.Writer, res packet.Result) error {
	if res.Problem != "" {
		word := "ALTERED"
		if res.State == packet.Unsigned {
			word = "NOT SIGNED"
		}
		fmt.Fprintf(w, "%s  %s\n", word, cmd.File)
		if res.File != "" {
			fmt.Fprintf(w, "  file     %q\n", res.File)
		}
		fmt.Fprintf(w, "  problem  %s\n", res.Problem)
		return exitError(1)
	}
	word, code := "UNALTERED", exitError(0)
	if res.State != packet.Intact && len(cmd.Key) > 0 {
		word, code = "SIGNED BY ANOTHER KEY", exitError(1)
	}
	fmt.Fprintf(w, "%s  %s\n", word, cmd.File)
	fmt.Fprintf(w, "  packet   %s, version %d, blind level %s, data as of %s\n", res.Packet, res.Version, res.BlindLevel, res.BuiltAt)
	fmt.Fprintf(w, "  files    %d, each as signed; the log's lines hold together\n", res.Files)
	fmt.Fprintf(w, "  signed   %s\n", res.Fingerprint)
	switch {
	case res.State == packet.Intact:
		fmt.Fprintln(w, "           which is a key you trust")
	case len(cmd.Key) > 0:
		fmt.Fprintln(w, "           which is none of the keys you named: unaltered since somebody signed it, but not by them")
	default:
		fmt.Fprintf(w, "           compare it with the one at %s on the company's server,\n           or name that one with --key\n", packet.WellKnownPath)
	}
	fmt.Fprintf(w, "  manifest %s\n", res.Digest)
	if code != 0 {
		return code
	}
	return nil
}
