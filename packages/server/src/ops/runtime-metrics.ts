import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Metrics } from './metrics.js'

const nanoseconds = 1e-9
const resolutionMs = 10

/**
 * Shows the resources of the process and the delay of its event loop since the last scrape. Returns
 * the function that stops it.
 */
export function observeRuntime(metrics: Metrics): () => void {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  metrics.gauge({
    name: 'latchkey_event_loop_delay_seconds',
    help: 'Delay of the event loop since the last scrape, by percentile; 100 is the maximum.',
    labelNames: ['percentile'],
    read: () => {
      const values = [50, 99, 100].map((percentile) => ({
        labels: { percentile: String(percentile) },
        // The histogram contains whole intervals, including the resolution.
        value: Math.max(0, delay.percentile(percentile) * nanoseconds - resolutionMs / 1000),
      }))
      delay.reset()
      return values
    },
  })
  metrics.total({
    name: 'latchkey_process_cpu_seconds_total',
    help: 'Processor time since the start, by kind.',
    labelNames: ['kind'],
    read: () => {
      const { user, system } = process.cpuUsage()
      return [
        { labels: { kind: 'user' }, value: user / 1e6 },
        { labels: { kind: 'system' }, value: system / 1e6 },
      ]
    },
  })
  metrics.gauge({
    name: 'latchkey_process_memory_bytes',
    help: 'Memory of the process: all that is resident, and the heap in use.',
    labelNames: ['kind'],
    read: () => {
      const { rss, heapUsed } = process.memoryUsage()
      return [
        { labels: { kind: 'resident' }, value: rss },
        { labels: { kind: 'heap' }, value: heapUsed },
      ]
    },
  })
  return () => delay.disable()
}
