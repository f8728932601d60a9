/**
 * English words that hold a sentence together but do not say what it is about.
 *
 * Our own short list: function words, then the verbs and adverbs of everyday prose and of documentation
 * ("use", "see", "following"), which are frequent in every document and so would crowd out the telling words.
 * Words are listed as `words.ts` keys them: lower case, straight apostrophes, no possessive.
 */
const LIST = `
a an the this that these those such same other another each every any all both either neither some few many much
more most less least several enough no not none nor only own
i me my mine myself we us our ours ourselves you your yours yourself he him his himself she her hers herself
it its itself they them their theirs themselves one ones who whom whose which what whatever someone anyone everyone
something anything everything nothing
and or but if then else so because as while although though unless until whether since than
of in on at by for with without within from into onto to toward towards over under above below between among through
during before after about against across along around behind beside beyond near off out up down upon via per plus
is are was were be been being am isn't aren't wasn't weren't do does did done doing don't doesn't didn't
has have had having hasn't haven't hadn't can could may might must shall should will would cannot can't couldn't
won't wouldn't shouldn't needn't
i'm i've i'll i'd you're you've you'll we're we've we'll they're they've they'll he's she's that's there's let's what's
here there where when why how now again once ever never always often sometimes usually already still yet also too
just even very quite rather almost really actually simply merely perhaps maybe however therefore thus hence otherwise
instead moreover meanwhile likewise namely especially currently typically generally directly
use uses used using make makes made making get gets got getting give gives given giving take takes taken taking
go goes going gone come comes came coming put puts let lets want wants need needs needed see sees seen say says said
know known knows look looks like likes become becomes keep keeps kept show shows shown
first second last next new old good better best well able different certain possible
way ways thing things kind lot bit case cases example examples
following follows based due called returns returned true false null undefined etc e.g i.e eg ie vs cf via ok yes
two three four five six seven eight nine ten
`;

const STOP_WORDS: ReadonlySet<string> = new Set(LIST.split(/\s+/).filter(Boolean));

export function isStopWord(key: string): boolean {
  return STOP_WORDS.has(key);
}
