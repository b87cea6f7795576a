import type { ComponentChildren } from 'preact'
import { administrator, mayChange } from './administrator.js'
import { base, consolePath } from './base.js'
import { announcement } from './shell/arrival.js'
import { KeysDialog } from './shell/keys-dialog.js'
import { Navigation } from './shell/navigation.js'
import { overlay } from './shell/overlay.js'
import { Palette } from './shell/palette.js'
import { signOut } from './shell/sign-out.js'
import { useShortcuts } from './shell/use-shortcuts.js'
import { Badge } from './ui/badge.js'
import { Button } from './ui/button.js'

/** The navigation, the signed-in account, and the content of a page. */
export function Frame({ children }: { readonly children: ComponentChildren }) {
  useShortcuts()
  return (
    <div class="frame">
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href={consolePath}>
          Latchkey console
        </a>
        <Button onClick={() => (overlay.value = 'palette')}>
          Go to… <kbd>Ctrl K</kbd>
        </Button>
        <div class="account">
          <a href={`${base}/account`} title="Your account">
            {administrator.value?.email}
          </a>
          {mayChange() ? null : <Badge>Auditor: read only</Badge>}
          <Button onClick={signOut}>Sign out</Button>
        </div>
      </header>
      <Navigation />
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <p class="hidden" aria-live="polite">
        {announcement}
      </p>
      {overlay.value === 'palette' ? <Palette /> : null}
      {overlay.value === 'keys' ? <KeysDialog /> : null}
    </div>
  )
}
