package grade

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
)

// Seeds spreads one interview's secret seed into the n whole numbers that generators and harnesses draw from. The same text
// gives the same numbers for ever, which is what makes a regrade next year comparable.
//
// A seed of digits alone is used as it stands for the first number, so that an author can rerun what a report names.
func Seeds(seed string, n int) []int64 {
	out := make([]int64, 0, max(n, 1))
	for i := range max(n, 1) {
		if v, err := strconv.ParseInt(seed, 10, 32); err == nil && v >= 0 && i == 0 {
			out = append(out, v)
			continue
		}
		sum := sha256.Sum256([]byte("assay seed\x00" + seed + "\x00" + strconv.Itoa(i)))
		out = append(out, int64(binary.BigEndian.Uint32(sum[:4])>>1)) // 31 bits: every generator takes them
	}
	return out
}
