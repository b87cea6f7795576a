import { consolePath } from '../../base.js'
import { ReplaceKeysEffects } from './effects.js'
import { Step } from './step.js'
import { TaskStep } from './task-step.js'
import { useTasks } from './tasks.js'
import { useAsked } from './use-asked.js'

/** The guide "The database leaked". */
export function DatabaseSteps() {
  const tasks = useTasks()
  const dialog = useAsked()
  return (
    <>
      <TaskStep
        kind="replace_keys"
        title="1. Make the keys in the copy worthless"
        tasks={tasks}
        effects={<ReplaceKeysEffects />}
        label="Replace every key"
        dialog={dialog}
      >
        <p>
          Keys and secrets in the copy are encrypted with a master key. Replaced now, they stay worthless even if the
          master key leaks later.
        </p>
      </TaskStep>
      <Step title="2. Make sure that the master key is safe">
        <p>
          Was it stored beside the copy, or in the same backup? Then{' '}
          <a href={`${consolePath}/incident?case=master-key`}>a master key has leaked</a> as well.
        </p>
      </Step>
      <Step title="3. Passwords">
        <p>
          The copy has a hash (Argon2id) of each password. Weak passwords can be guessed, unless{' '}
          <code>PASSWORD_PEPPERS</code> was set and has not leaked. If it was not set, set it, and ask the owners to
          choose new passwords, administrators first: <a href={`${consolePath}/users`}>users</a>.
        </p>
      </Step>
      <Step title="4. People">
        <p>
          The copy has addresses, names, profiles, devices and the audit log. The law may demand that you inform the
          authority and the people concerned: in the EU within 72 hours (GDPR, articles 33 and 34).
        </p>
      </Step>
    </>
  )
}
