import { CurlButton } from '../../ui/curl-button.js'
import { Page } from '../../ui/page.js'
import { Tabs } from '../../ui/tabs.js'
import { useQuery } from '../../ui/use-query.js'
import { LetterTemplate } from './letter-template.js'
import { SentLetters } from './sent-letters.js'
import { WaitingLetters } from './waiting-letters.js'

const tabs = [
  { name: 'waiting', title: 'Waiting', content: () => <WaitingLetters /> },
  { name: 'sent', title: 'Sent', content: () => <SentLetters /> },
  { name: 'templates', title: 'Templates', content: () => <LetterTemplate /> },
] as const

/** The page "Letters". The tab and its filters are in the URL. */
export default function LettersPage() {
  const { get, set } = useQuery()
  const tab = tabs.find(({ name }) => name === get('tab'))?.name ?? 'waiting'
  return (
    <Page
      title="Letters"
      intro="The e-mails of this server: those that wait, what became of the others, and how each one looks in each language."
      actions={<CurlButton method="GET" path="/v1/admin/letters" />}
    >
      <Tabs
        label="Letters"
        tabs={tabs}
        selected={tab}
        onSelect={(name) => set({ tab: name === 'waiting' ? '' : name, cursor: '' })}
      />
    </Page>
  )
}
