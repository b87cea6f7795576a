import { useState } from 'preact/hooks'
import { mayChange } from '../../administrator.js'
import { useAnswer } from '../../api/use-answer.js'
import { Button } from '../../ui/button.js'
import { Loaded } from '../../ui/loaded.js'
import { Page } from '../../ui/page.js'
import { Section } from '../../ui/section.js'
import { RotationProgress } from './rotation-progress.js'
import { isOpen, isRunning, readRotation } from './rotation-status.js'
import { StartRotation } from './start-rotation.js'
import './rotation.css'

const pollMs = 2000

/** The page "Rotation": a new signing secret for every account and every client. */
export default function RotationPage() {
  const [isPolling, setPolling] = useState(false)
  const [isStarting, setStarting] = useState(false)
  const rotation = useAnswer(
    'rotation',
    async (signal) => {
      const status = await readRotation(signal)
      setPolling(status !== null && isRunning(status))
      return status
    },
    isPolling ? { everyMs: pollMs } : {},
  )
  const { data, reload } = rotation
  const canStart = mayChange() && data !== undefined && (data === null || !isOpen(data))
  const closeStart = () => {
    setStarting(false)
    void reload()
  }
  return (
    <Page
      title="Rotation"
      intro="A new signing secret for every account and every client, at a bounded rate. Sessions and tokens stay valid."
      actions={
        canStart ? (
          <Button kind="primary" onClick={() => setStarting(true)}>
            Rotate all secrets
          </Button>
        ) : undefined
      }
    >
      <Loaded answer={rotation}>
        {(status) => (status === null ? <Empty /> : <RotationProgress status={status} onChanged={reload} />)}
      </Loaded>
      {isStarting ? <StartRotation last={data ?? null} onClose={closeStart} /> : null}
    </Page>
  )
}

function Empty() {
  return (
    <Section title="No rotation yet">
      <p>
        Rotate all secrets as a routine, such as once a year, or before an old copy of the database leaves your hands.
        One server does it; if it stops, another one continues. A canary rotates a few secrets first and then pauses.
      </p>
    </Section>
  )
}
