import { useEffect, useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { useAnswer } from '../../api/use-answer.js'
import { Page } from '../../ui/page.js'
import { ConnectionNotice } from './connection-notice.js'
import { FirstRequest } from './first-request.js'
import { HealthSection } from './health-section.js'
import { followLive, liveFeed } from './live-feed.js'
import { MailAndLimits } from './mail-and-limits.js'
import './overview.css'
import { ProcessesSection } from './processes-section.js'
import { RefusalsSection } from './refusals-section.js'
import { SecretAges } from './secret-ages.js'
import { Tiles } from './tiles.js'
import { TrafficCharts } from './traffic-charts.js'

const statsEveryMs = 10_000

/** The page "Overview": what all servers do now, and their health. */
export default function OverviewPage() {
  const [attempt, setAttempt] = useState(0)
  useEffect(followLive, [attempt])
  const stats = useAnswer('stats', (signal) => answer(api.GET('/v1/admin/stats', { signal })), {
    everyMs: statsEveryMs,
  })
  const { history, ...connection } = liveFeed.value
  const latest = history.at(-1)
  return (
    <Page title="Overview" intro="What the servers of this database do, live, and their health.">
      <ConnectionNotice {...connection} since={latest?.at} retry={() => setAttempt(attempt + 1)} />
      <Tiles history={history} stats={stats.data} />
      {latest === undefined ? null : <FirstRequest latest={latest} />}
      <TrafficCharts history={history} />
      <RefusalsSection history={history} />
      <HealthSection />
      <ProcessesSection latest={latest} isLive={connection.connection === 'live'} />
      <div class="columns">
        <SecretAges ages={stats.data?.secrets} />
        <MailAndLimits history={history} />
      </div>
    </Page>
  )
}
