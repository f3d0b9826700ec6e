package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const abortEvery = 5 // of its transactions are given up and done again

// transact copies a group's topic to another one, partition by partition, exactly once: each transaction
// holds what one poll brought and the group's offsets behind it. What ended a session is printed, and the
// next session takes its place.
func transact(ctx context.Context, o options) error {
	ctx, cancel := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	e := newEmitter()
	for ctx.Err() == nil {
		if err := copying(ctx, o, e); err != nil && ctx.Err() == nil {
			e.emit(map[string]any{"event": "failed", "why": err.Error()})
			time.Sleep(100 * time.Millisecond)
		}
	}
	return nil
}

func copying(ctx context.Context, o options, e *emitter) error {
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(strings.Split(o.bootstrap, ",")...),
		kgo.TransactionalID(o.transactionalID),
		kgo.ConsumerGroup(o.group),
		kgo.ConsumeTopics(o.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(200*time.Millisecond),
		kgo.HeartbeatInterval(300*time.Millisecond),
		kgo.SessionTimeout(10*time.Second),
		kgo.RequireStableFetchOffsets(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	if err != nil {
		return err
	}
	defer session.Close()
	for ended := 1; ctx.Err() == nil; {
		fetches := session.PollRecords(ctx, o.count)
		for _, failed := range fetches.Errors() {
			var lost *kgo.ErrGroupSession
			if !errors.As(failed.Err, &lost) {
				return failed.Err
			}
		}
		if fetches.NumRecords() == 0 {
			continue
		}
		if err := session.Begin(); err != nil {
			return err
		}
		var broken error
		fetches.EachRecord(func(r *kgo.Record) {
			session.Produce(ctx, &kgo.Record{
				Topic: o.target, Partition: r.Partition, Key: r.Key, Value: r.Value,
			}, func(_ *kgo.Record, err error) {
				if err != nil {
					broken = err // End waits for all of them
				}
			})
		})
		end := kgo.TransactionEndTry(ended%abortEvery != 0)
		if err := session.Client().Flush(ctx); err != nil || broken != nil {
			end = kgo.TryAbort
		}
		committed, err := session.End(ctx, end)
		if err != nil {
			return err
		}
		event := "aborted"
		if committed {
			event = "committed"
		}
		e.emit(map[string]any{"event": event, "records": fetches.NumRecords()})
		ended++
	}
	return nil
}
