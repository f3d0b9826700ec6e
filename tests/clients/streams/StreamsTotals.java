import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Materialized;

/**
 * Kafka Streams: per key, the sum so far for each record, exactly once; through a repartition topic, with
 * state in RocksDB and a changelog topic. Its one argument is a JSON object.
 */
public final class StreamsTotals {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        JsonNode options = JSON.readTree(args[0]);
        long pause = options.get("pause_ms").asLong();

        StreamsBuilder builder = new StreamsBuilder();
        builder.<String, String>stream(options.get("source").asText())
                .selectKey((key, value) -> key) // Streams cannot know that the key stays: it repartitions
                .groupByKey()
                .aggregate(
                        () -> "{\"total\": 0}",
                        (key, value, state) -> added(state, value, pause),
                        Materialized.with(Serdes.String(), Serdes.String()))
                .toStream()
                .to(options.get("sink").asText());

        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, options.get("group").asText());
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.get("bootstrap").asText());
        properties.put(StreamsConfig.STATE_DIR_CONFIG, options.get("state").asText());
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0); // tell every record's figure
        properties.put("auto.offset.reset", "earliest");
        properties.put("session.timeout.ms", options.get("session_ms").asInt());
        properties.put("heartbeat.interval.ms", options.get("heartbeat_ms").asInt());

        KafkaStreams streams = new KafkaStreams(builder.build(), properties);
        CountDownLatch ended = new CountDownLatch(1);
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.ERROR) {
                ended.countDown();
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(20))));
        streams.start();
        ended.await();
        System.exit(1);
    }

    private static String added(String state, String value, long pause) {
        try {
            Thread.sleep(pause);
            JsonNode row = JSON.readTree(value);
            ObjectNode result = JSON.createObjectNode();
            result.put("n", row.get("n").asInt());
            result.put("total", JSON.readTree(state).get("total").asLong() + row.get("amount").asLong());
            return result.toString();
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }
}
