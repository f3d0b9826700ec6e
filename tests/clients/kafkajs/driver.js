// Drives kafkajs from the test suite: `node driver.js pace|group OPTIONS` (JSON), JSON lines out.
'use strict'

const { Kafka, logLevel } = require('kafkajs')
const { writeSync } = require('node:fs')

const [verb, text] = process.argv.slice(2)
const options = JSON.parse(text)
const kafka = new Kafka({
  clientId: 'kafkajs-driver',
  brokers: options.bootstrap.split(','),
  logLevel: logLevel.WARN,
  retry: options.retry,
})

// Written before the next statement runs, so that nothing told is lost to a SIGKILL.
const emit = (event) => writeSync(1, JSON.stringify(event) + '\n')

// The idempotent producer, several records in flight; one line for each acknowledged record.
async function pace() {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  let next = 0
  const worker = async () => {
    while (next < options.count) {
      const value = String(next++)
      const messages = [{ key: `key ${value}`, value }]
      const [ack] = await producer.send({ topic: options.topic, messages, acks: -1 })
      emit({ event: 'acked', value: +value, partition: ack.partition, offset: +ack.baseOffset })
      await new Promise((done) => setTimeout(done, options.pause_ms))
    }
  }
  await Promise.all(Array.from({ length: options.workers }, worker))
  await producer.disconnect()
}

// A member that commits by itself, as kafkajs does by default: after each batch.
async function group() {
  const consumer = kafka.consumer({
    groupId: options.group,
    sessionTimeout: options.session_ms,
    heartbeatInterval: options.heartbeat_ms,
    maxWaitTimeInMs: 200,
  })
  const { GROUP_JOIN, COMMIT_OFFSETS, CRASH } = consumer.events
  consumer.on(GROUP_JOIN, ({ payload }) =>
    emit({ event: 'assigned', partitions: payload.memberAssignment[options.topic] || [] }),
  )
  consumer.on(COMMIT_OFFSETS, ({ payload }) => {
    for (const { partitions } of payload.topics)
      for (const { partition, offset } of partitions)
        emit({ event: 'committed', partition: +partition, offset: +offset })
  })
  consumer.on(CRASH, ({ payload }) =>
    emit({ event: 'crash', error: String(payload.error), restart: payload.restart }),
  )
  await consumer.connect()
  await consumer.subscribe({ topics: [options.topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) =>
      emit({ event: 'record', partition, offset: +message.offset, value: +message.value }),
  })
  process.on('SIGTERM', async () => {
    await consumer.disconnect()
    process.exit(0)
  })
}

;({ pace, group })[verb]().catch((error) => {
  console.error(error)
  process.exit(1)
})
