// Command sarama drives sarama from the test suite: `sarama pace|group OPTIONS` (JSON), JSON lines out.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/IBM/sarama"
)

type options struct {
	Bootstrap   string `json:"bootstrap"`
	Topic       string `json:"topic"`
	Group       string `json:"group"`
	Version     string `json:"version"` // of the protocol: "default", or the newest that sarama knows
	Count       int    `json:"count"`
	PauseMs     int    `json:"pause_ms"`
	SessionMs   int    `json:"session_ms"`
	HeartbeatMs int    `json:"heartbeat_ms"`
}

type event struct {
	Event      string  `json:"event"`
	Value      int     `json:"value"`
	Partition  int32   `json:"partition"`
	Offset     int64   `json:"offset"`
	Partitions []int32 `json:"partitions,omitempty"`
	Error      string  `json:"error,omitempty"`
}

var (
	mu  sync.Mutex
	out = json.NewEncoder(os.Stdout)
)

func emit(e event) {
	mu.Lock()
	defer mu.Unlock()
	_ = out.Encode(e)
}

func config(o options) *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = "sarama-driver"
	if o.Version == "newest" {
		c.Version = sarama.MaxVersion
	}
	return c
}

// pace writes with the idempotent producer; one line for each acknowledged record.
func pace(ctx context.Context, o options) error {
	c := config(o)
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Net.MaxOpenRequests = 1
	c.Producer.Return.Successes = true
	// By default sarama gives up after three retries of 100 ms (250 ms for metadata), which is before any
	// single broker is back; an idempotent batch is also given up when its leader is not known by then.
	c.Producer.Retry.Max = 300
	c.Metadata.Retry.Max = 120
	producer, err := sarama.NewAsyncProducer(strings.Split(o.Bootstrap, ","), c)
	if err != nil {
		return err
	}
	var failure error
	var heard sync.WaitGroup
	heard.Add(2)
	go func() {
		defer heard.Done()
		for m := range producer.Successes() {
			emit(event{Event: "acked", Value: m.Metadata.(int), Partition: m.Partition, Offset: m.Offset})
		}
	}()
	go func() {
		defer heard.Done()
		for lost := range producer.Errors() {
			failure = errors.Join(failure, lost)
		}
	}()
	for n := 0; n < o.Count; n++ {
		producer.Input() <- &sarama.ProducerMessage{
			Topic:    o.Topic,
			Key:      sarama.StringEncoder("key " + strconv.Itoa(n)),
			Value:    sarama.StringEncoder(strconv.Itoa(n)),
			Metadata: n,
		}
		time.Sleep(time.Duration(o.PauseMs) * time.Millisecond)
	}
	producer.AsyncClose()
	heard.Wait()
	return failure
}

type handler struct{ topic string }

func (h handler) Setup(s sarama.ConsumerGroupSession) error {
	emit(event{Event: "assigned", Partitions: s.Claims()[h.topic]})
	return nil
}

func (h handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim commits synchronously every 20 records, and what is left when the session ends.
func (h handler) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for m := range claim.Messages() {
		value, err := strconv.Atoi(string(m.Value))
		if err != nil {
			return err
		}
		emit(event{Event: "record", Value: value, Partition: m.Partition, Offset: m.Offset})
		s.MarkMessage(m, "")
		if m.Offset%20 == 19 {
			s.Commit()
		}
	}
	return nil
}

// group is a member until SIGTERM.
func group(ctx context.Context, o options) error {
	c := config(o)
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Return.Errors = true
	c.Consumer.Group.Session.Timeout = time.Duration(o.SessionMs) * time.Millisecond
	c.Consumer.Group.Heartbeat.Interval = time.Duration(o.HeartbeatMs) * time.Millisecond
	member, err := sarama.NewConsumerGroup(strings.Split(o.Bootstrap, ","), o.Group, c)
	if err != nil {
		return err
	}
	go func() {
		for err := range member.Errors() {
			emit(event{Event: "error", Error: err.Error()})
		}
	}()
	for ctx.Err() == nil {
		if err := member.Consume(ctx, []string{o.Topic}, handler{o.Topic}); err != nil {
			// Its README: Consume is called in a loop, and again after an error.
			emit(event{Event: "error", Error: err.Error()})
			time.Sleep(100 * time.Millisecond)
		}
	}
	return member.Close()
}

func main() {
	var o options
	verbs := map[string]func(context.Context, options) error{"pace": pace, "group": group}
	if len(os.Args) != 3 || verbs[os.Args[1]] == nil || json.Unmarshal([]byte(os.Args[2]), &o) != nil {
		fmt.Fprintln(os.Stderr, "usage: sarama pace|group OPTIONS")
		os.Exit(2)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	if err := verbs[os.Args[1]](ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}
