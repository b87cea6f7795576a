import { consolePath } from '../../base.js'
import { RevokeAllEffects } from './effects.js'
import { Step } from './step.js'
import { TaskStep } from './task-step.js'
import { useTasks } from './tasks.js'
import { useAsked } from './use-asked.js'

/** The guide "All users must sign in again". */
export function EverybodySteps() {
  const tasks = useTasks()
  const dialog = useAsked()
  return (
    <>
      <TaskStep
        kind="revoke_all"
        title="1. End every session and token"
        tasks={tasks}
        effects={<RevokeAllEffects />}
        label="End all sessions"
        dialog={dialog}
      />
      <Step title="2. Look for what has happened">
        <p>
          The <a href={`${consolePath}/audit`}>audit log</a> shows who has signed in, and from where. If a master key
          may have leaked, sessions are not all that has to end: follow{' '}
          <a href={`${consolePath}/incident?case=master-key`}>its guide</a>.
        </p>
      </Step>
    </>
  )
}
