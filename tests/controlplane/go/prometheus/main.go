// What Prometheus makes of metrics and of alert rules, by its own packages.
//
//	prometheus samples              parses OpenMetrics on the standard input, also as the older format, and prints each sample
//	prometheus rules FILE           says what its parser holds against a file of rules
//	prometheus alerts FILE FOR      evaluates the rules each minute over series on the standard input, which are in the language of
//	                                its own tests ("load 1m ..."), and prints the alerts of each minute as a line of JSON
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

var quiet = slog.New(slog.DiscardHandler)

type alert struct {
	Name        string            `json:"name"`
	State       string            `json:"state"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

type minute struct {
	At     int     `json:"at"`
	Alerts []alert `json:"alerts"`
}

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "samples":
		samples()
	case len(os.Args) == 3 && os.Args[1] == "rules":
		check(os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "alerts":
		long, err := time.ParseDuration(os.Args[3])
		if err != nil {
			fail(err)
		}
		check(os.Args[2])
		evaluate(os.Args[2], long)
	default:
		fail("prometheus samples | rules FILE | alerts FILE FOR")
	}
}

func samples() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	found := parsed(text, "application/openmetrics-text; version=1.0.0; charset=utf-8")
	if !slices.Equal(found, parsed(text, "text/plain; version=0.0.4")) {
		fail("the older format has it otherwise")
	}
	for _, each := range found {
		fmt.Println(each)
	}
}

func parsed(text []byte, format string) []string {
	parser, err := textparse.New(text, format, labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		fail(err)
	}
	found := []string{}
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			fail(fmt.Sprintf("%s: %v", format, err))
		}
		if entry == textparse.EntrySeries {
			var named labels.Labels
			parser.Labels(&named)
			_, _, value := parser.Series()
			found = append(found, fmt.Sprintf("%s %v", named, value))
		}
	}
}

func check(file string) {
	_, errs := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), quiet)
	if len(errs) > 0 {
		fail(errors.Join(errs...))
	}
}

func evaluate(file string, long time.Duration) {
	series, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	loader, err := promqltest.NewLazyLoader(string(series), promqltest.LazyLoaderOpts{})
	if err != nil {
		fail(err)
	}
	defer loader.Close()
	start := time.Unix(0, 0).UTC()
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:    rules.EngineQueryFunc(loader.QueryEngine(), loader.Storage()),
		AppendableV2: loader.Storage(),
		Context:      context.Background(),
		NotifyFunc:   func(context.Context, string, ...*rules.Alert) {},
		Logger:       quiet,
	})
	loaded, errs := manager.LoadGroups(time.Minute, labels.EmptyLabels(), "", nil, false, file)
	if len(errs) > 0 {
		fail(errs)
	}
	for at := start; !at.After(start.Add(long)); at = at.Add(time.Minute) {
		loader.WithSamplesTill(at, func(err error) {
			if err != nil {
				fail(err)
			}
			for _, group := range loaded {
				group.Eval(context.Background(), at)
			}
		})
		line, err := json.Marshal(minute{int(at.Sub(start).Minutes()), alerts(loaded)})
		if err != nil {
			fail(err)
		}
		fmt.Println(string(line))
	}
}

func alerts(groups map[string]*rules.Group) []alert {
	found := []alert{}
	for _, group := range groups {
		for _, rule := range group.Rules() {
			if err := rule.LastError(); err != nil {
				fail(err)
			}
			if alerting, ok := rule.(*rules.AlertingRule); ok {
				for _, each := range alerting.ActiveAlerts() {
					found = append(found, alert{rule.Name(), each.State.String(), each.Labels.Map(), each.Annotations.Map()})
				}
			}
		}
	}
	return found
}

func fail(why any) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(2)
}
