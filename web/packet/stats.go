package packet

import "math"

const (
	// RaterError is the standard error of one rater's score, in points, until the pool has its own.
	RaterError = 0.65
	// oneInterview is the reliability of a single separate interview.
	oneInterview = 0.44
	// tooFew is the number of results below which a pool says nothing.
	tooFew = 8
	// farApart is the difference from which two scores are a disagreement.
	farApart = 2
)

// summarise is the plain mean of scores with mean ± e/√n around it, rounded outward to a tenth and kept on the scale.
func summarise(scores []int) DocSummary {
	s := DocSummary{N: len(scores)}
	if len(scores) == 0 {
		return s
	}
	low, high, sum := scores[0], scores[0], 0
	for _, v := range scores {
		low, high, sum = min(low, v), max(high, v), sum+v
	}
	mean := float64(sum) / float64(len(scores))
	half := RaterError / math.Sqrt(float64(len(scores)))
	const slack = 1e-9 // 2.65 must not become 2.7 for the sake of the last bit
	lo := max(1, math.Floor((mean-half)*10+slack)/10)
	hi := min(4, math.Ceil((mean+half)*10-slack)/10)
	rounded, gap := math.Round(mean*100)/100, high-low
	s.Mean, s.Low68, s.High68 = &rounded, &lo, &hi
	if len(scores) > 1 {
		s.MaxGap = &gap
	}
	return s
}

// reliability is the Spearman-Brown forecast for k independent interviewers, nil for none.
func reliability(k int) *float64 {
	if k < 1 {
		return nil
	}
	r := float64(k) * oneInterview / (1 + float64(k-1)*oneInterview)
	r = math.Round(r*100) / 100
	return &r
}
