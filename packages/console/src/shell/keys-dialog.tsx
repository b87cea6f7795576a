import { pages } from '../pages.js'
import { Dialog } from '../ui/dialog.js'
import { showToast } from '../ui/toasts.js'
import { closeOverlay } from './overlay.js'
import { hasSingleKeys, setSingleKeys } from './single-keys.js'

const always = [['Ctrl K or ⌘ K', 'Go to a page or a user, or do something']] as const

const single = [
  ['/', 'Move to the search of the page'],
  ['?', 'Show this list'],
] as const

/** The keys of the console. */
export function KeysDialog() {
  const isOn = hasSingleKeys.value
  const goes = pages.flatMap(({ shortcut, title }) =>
    shortcut === undefined ? [] : [[`g ${shortcut}`, title] as const],
  )
  const toggle = () => {
    setSingleKeys(!isOn)
    if (isOn) showToast('Keys without Ctrl or ⌘ are off.', () => setSingleKeys(true))
  }
  return (
    <Dialog title="Keys" onClose={closeOverlay}>
      <dl class="keys">
        {[...always, ...(isOn ? [...single, ...goes] : [])].map(([keys, effect]) => (
          <div key={keys}>
            <dt>{keys.split(' ').map((key) => (key === 'or' ? ' or ' : <kbd key={key}>{key}</kbd>))}</dt>
            <dd>{effect}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" checked={isOn} onChange={toggle} />
        Keys without Ctrl or ⌘ are shortcuts
      </label>
      <p class="hint">They are never shortcuts in a field. Turn them off if you dictate to your computer.</p>
    </Dialog>
  )
}
