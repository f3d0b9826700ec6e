// Command clients drives franz-go from the test suite: one verb per scenario, JSON lines in and out.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// record is the wire between the driver and the tests; byte fields are base64, null where absent.
type record struct {
	Partition int32        `json:"partition"`
	Offset    int64        `json:"offset"`
	Timestamp int64        `json:"timestamp"` // milliseconds; 0: now
	Key       *[]byte      `json:"key"`
	Value     *[]byte      `json:"value"`
	Headers   [][2]*[]byte `json:"headers"`
}

type options struct {
	bootstrap, topic, group, codec, instance, balancer string
	target, transactionalID                            string
	count                                              int
	seconds                                            int
	commit                                             bool
	serverSide                                         bool
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

var balancers = map[string]kgo.GroupBalancer{
	"range":              kgo.RangeBalancer(),
	"roundrobin":         kgo.RoundRobinBalancer(),
	"sticky":             kgo.StickyBalancer(),
	"cooperative-sticky": kgo.CooperativeStickyBalancer(),
}

var verbs = map[string]func(context.Context, options) error{
	"produce": produce,
	"pace":    pace,
	"consume": consume,
	"group":   group,
	"admin":   admin,

	"transact": transact,
}

func main() {
	if len(os.Args) < 2 || verbs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: clients produce|pace|consume|group|admin|transact -bootstrap HOST:PORT …")
		os.Exit(2)
	}
	var o options
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.StringVar(&o.bootstrap, "bootstrap", "", "HOST:PORT of the broker, or several")
	flags.StringVar(&o.topic, "topic", "", "topic")
	flags.StringVar(&o.group, "group", "", "consumer group")
	flags.StringVar(&o.target, "target", "", "topic that is written to")
	flags.StringVar(&o.transactionalID, "transactional-id", "", "of the producer in transactions")
	flags.StringVar(&o.instance, "instance", "", "group.instance.id of a static member")
	flags.StringVar(&o.codec, "codec", "none", "none, gzip, snappy, lz4 or zstd")
	flags.StringVar(&o.balancer, "balancer", "cooperative-sticky", "group balancer")
	flags.BoolVar(&o.serverSide, "server-side", false, "the consumer protocol (KIP-848)")
	flags.IntVar(&o.count, "count", 0, "records to consume, to pace, or of a transaction")
	flags.IntVar(&o.seconds, "seconds", 40, "give up after")
	flags.BoolVar(&o.commit, "commit", false, "commit what was consumed when leaving")
	_ = flags.Parse(os.Args[2:])

	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(o.seconds)*time.Second)
	defer cancel()
	if err := verbs[os.Args[1]](ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

// emitter writes JSON lines; callbacks and the poll loop share it.
type emitter struct {
	mu  sync.Mutex
	out *json.Encoder
}

func newEmitter() *emitter { return &emitter{out: json.NewEncoder(os.Stdout)} }

func (e *emitter) emit(value any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.out.Encode(value)
}

func opt(b []byte) *[]byte {
	if b == nil {
		return nil
	}
	return &b
}

func raw(b *[]byte) []byte {
	if b == nil {
		return nil
	}
	if *b == nil {
		return []byte{}
	}
	return *b
}

func fromKgo(r *kgo.Record) record {
	out := record{
		Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(),
		Key: opt(r.Key), Value: opt(r.Value), Headers: [][2]*[]byte{},
	}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, [2]*[]byte{opt([]byte(h.Key)), opt(h.Value)})
	}
	return out
}

// produce writes the records on stdin with the idempotent producer (franz-go's default).
func produce(ctx context.Context, o options) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(o.bootstrap, ",")...),
		kgo.DefaultProduceTopic(o.topic),
		kgo.ProducerBatchCompression(codecs[o.codec]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(16<<20),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	var batch []*kgo.Record
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var in record
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			return err
		}
		r := &kgo.Record{Partition: in.Partition, Key: raw(in.Key), Value: raw(in.Value)}
		if in.Timestamp != 0 {
			r.Timestamp = time.UnixMilli(in.Timestamp)
		}
		for _, h := range in.Headers {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: string(raw(h[0])), Value: raw(h[1])})
		}
		batch = append(batch, r)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	e := newEmitter()
	for _, result := range client.ProduceSync(ctx, batch...) {
		if result.Err != nil {
			return result.Err
		}
		e.emit(map[string]any{"partition": result.Record.Partition, "offset": result.Record.Offset})
	}
	return nil
}

// pace writes count numbered records, one every two milliseconds, and prints each acknowledgement.
func pace(ctx context.Context, o options) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(o.bootstrap, ",")...),
		kgo.DefaultProduceTopic(o.topic),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()),
		kgo.ProducerLinger(time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	e := newEmitter()
	var mu sync.Mutex
	var failed error
	for n := 0; n < o.count; n++ {
		r := &kgo.Record{Value: []byte(fmt.Sprint(n))}
		client.Produce(ctx, r, func(r *kgo.Record, err error) {
			if err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
				return
			}
			e.emit(map[string]any{
				"partition": r.Partition, "offset": r.Offset, "value": string(r.Value),
			})
		})
		time.Sleep(2 * time.Millisecond)
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	return failed
}

// consume reads count records of every partition from the start, without a group.
func consume(ctx context.Context, o options) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(o.bootstrap, ",")...),
		kgo.ConsumeTopics(o.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(500*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	e := newEmitter()
	for seen := 0; seen < o.count; {
		fetches := client.PollFetches(ctx)
		if errs := fetches.Errors(); len(errs) > 0 {
			return fmt.Errorf("after %d records: %w", seen, errs[0].Err)
		}
		fetches.EachRecord(func(r *kgo.Record) { e.emit(fromKgo(r)); seen++ })
	}
	return nil
}

// group joins a consumer group, prints what it is assigned and reads, and leaves on SIGINT.
func group(ctx context.Context, o options) error {
	ctx, cancel := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	e := newEmitter()
	moved := func(event string) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			e.emit(map[string]any{"event": event, "partitions": partitions[o.topic]})
		}
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(o.bootstrap, ",")...),
		kgo.ConsumerGroup(o.group),
		kgo.ConsumeTopics(o.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(200 * time.Millisecond),
		kgo.HeartbeatInterval(300 * time.Millisecond),
		kgo.SessionTimeout(10 * time.Second),
		kgo.DisableAutoCommit(),
		kgo.Balancers(balancers[o.balancer]),
		kgo.OnPartitionsAssigned(moved("assigned")),
		kgo.OnPartitionsRevoked(moved("revoked")),
		kgo.OnPartitionsLost(moved("lost")),
	}
	if o.serverSide {
		opts = append(opts, kgo.ServerSideBalancer())
	}
	if o.instance != "" {
		opts = append(opts, kgo.InstanceID(o.instance))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			break
		}
		for _, failed := range fetches.Errors() {
			// The group session failed and is being made anew; all that is lost is time.
			var session *kgo.ErrGroupSession
			if !errors.As(failed.Err, &session) {
				return failed.Err
			}
		}
		fetches.EachRecord(func(r *kgo.Record) {
			e.emit(map[string]any{"event": "record", "record": fromKgo(r)})
		})
		if o.commit {
			if err := client.CommitUncommittedOffsets(ctx); err != nil && ctx.Err() == nil &&
				!strings.Contains(err.Error(), "REBALANCE_IN_PROGRESS") {
				return err
			}
		}
	}
	return nil
}
