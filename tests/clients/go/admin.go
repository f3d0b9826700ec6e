package main

import (
	"context"
	"fmt"
	"sort"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// admin walks one topic through its life with kadm and prints what the broker said at each step.
func admin(ctx context.Context, o options) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(o.bootstrap),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	adm, e := kadm.NewClient(client), newEmitter()
	say := func(step string, value any) { e.emit(map[string]any{"step": step, "value": value}) }

	retention := "7654321"
	if _, err := adm.CreateTopic(ctx, 2, 1, map[string]*string{"retention.ms": &retention}, o.topic); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	_, again := adm.CreateTopic(ctx, 2, 1, nil, o.topic)
	say("create again", fmt.Sprint(again))

	topics, err := adm.ListTopics(ctx, o.topic)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	say("partitions", topics[o.topic].Partitions.Numbers())
	say("has id", topics[o.topic].ID != kadm.TopicID{})

	config := func(step string) error {
		described, err := adm.DescribeTopicConfigs(ctx, o.topic)
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		values := map[string][2]string{}
		for _, c := range described[0].Configs {
			if c.Key == "retention.ms" || c.Key == "cleanup.policy" || c.Key == "max.message.bytes" {
				values[c.Key] = [2]string{c.MaybeValue(), c.Source.String()}
			}
		}
		say(step, values)
		return nil
	}
	if err := config("configs as created"); err != nil {
		return err
	}
	bytesMax := "65536"
	altered, err := adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{
		{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &bytesMax},
		{Op: kadm.DeleteConfig, Name: "retention.ms"},
	}, o.topic)
	if err != nil {
		return fmt.Errorf("alter: %w", err)
	}
	if altered[0].Err != nil {
		return fmt.Errorf("alter: %w", altered[0].Err)
	}
	if err := config("configs as altered"); err != nil {
		return err
	}

	if _, err := adm.UpdatePartitions(ctx, 3, o.topic); err != nil {
		return fmt.Errorf("create partitions: %w", err)
	}
	topics, err = adm.ListTopics(ctx, o.topic)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	say("partitions after growing", topics[o.topic].Partitions.Numbers())

	var batch []*kgo.Record
	for partition := int32(0); partition < 3; partition++ {
		for n := int32(0); n < 10*(partition+1); n++ {
			batch = append(batch, &kgo.Record{Topic: o.topic, Partition: partition, Value: fmt.Appendf(nil, "%d/%d", partition, n)})
		}
	}
	if err := client.ProduceSync(ctx, batch...).FirstErr(); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	_, tooLarge := client.ProduceSync(ctx, &kgo.Record{Topic: o.topic, Value: make([]byte, 100_000)}).First()
	say("too large", fmt.Sprint(tooLarge))

	offsets := func(listed kadm.ListedOffsets, err error) ([]int64, error) {
		if err != nil {
			return nil, err
		}
		if err := listed.Error(); err != nil {
			return nil, err
		}
		var at []int64
		for partition := int32(0); partition < 3; partition++ {
			one, _ := listed.Lookup(o.topic, partition)
			at = append(at, one.Offset)
		}
		return at, nil
	}
	ends, err := offsets(adm.ListEndOffsets(ctx, o.topic))
	if err != nil {
		return fmt.Errorf("end offsets: %w", err)
	}
	say("end offsets", ends)

	var cut kadm.Offsets
	cut.AddOffset(o.topic, 1, 4, -1)
	cut.AddOffset(o.topic, 2, 30, -1)
	deleted, err := adm.DeleteRecords(ctx, cut)
	if err != nil {
		return fmt.Errorf("delete records: %w", err)
	}
	low := map[string]int64{}
	deleted.Each(func(d kadm.DeleteRecordsResponse) { low[fmt.Sprint(d.Partition)] = d.LowWatermark })
	say("low watermarks", low)
	starts, err := offsets(adm.ListStartOffsets(ctx, o.topic))
	if err != nil {
		return fmt.Errorf("start offsets: %w", err)
	}
	say("start offsets", starts)

	var commits kadm.Offsets
	commits.Add(kadm.Offset{Topic: o.topic, Partition: 0, At: 3, LeaderEpoch: -1, Metadata: "by hand"})
	commits.Add(kadm.Offset{Topic: o.topic, Partition: 1, At: 7, LeaderEpoch: -1})
	if err := adm.CommitAllOffsets(ctx, o.group, commits); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	fetched, err := adm.FetchOffsets(ctx, o.group)
	if err != nil {
		return fmt.Errorf("fetch offsets: %w", err)
	}
	committed := map[string][2]any{}
	fetched.Each(func(r kadm.OffsetResponse) { committed[fmt.Sprint(r.Partition)] = [2]any{r.At, r.Metadata} })
	say("committed", committed)

	groups, err := adm.ListGroups(ctx)
	if err != nil {
		return fmt.Errorf("list groups: %w", err)
	}
	names := groups.Groups()
	sort.Strings(names)
	say("group is listed", sort.SearchStrings(names, o.group) < len(names) && names[sort.SearchStrings(names, o.group)] == o.group)
	described, err := adm.DescribeGroups(ctx, o.group)
	if err != nil {
		return fmt.Errorf("describe groups: %w", err)
	}
	say("group state", described[o.group].State)
	lags, err := adm.Lag(ctx, o.group)
	if err != nil {
		return fmt.Errorf("lag: %w", err)
	}
	say("lag", lags[o.group].Lag.Total())
	if _, err := adm.DeleteGroup(ctx, o.group); err != nil {
		return fmt.Errorf("delete group: %w", err)
	}
	_, gone := adm.DeleteGroup(ctx, o.group)
	say("delete group again", fmt.Sprint(gone))

	if _, err := adm.DeleteTopic(ctx, o.topic); err != nil {
		return fmt.Errorf("delete topic: %w", err)
	}
	_, missing := adm.DeleteTopic(ctx, o.topic)
	say("delete topic again", fmt.Sprint(missing))
	return nil
}
