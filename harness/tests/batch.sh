#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Batches of messages: one span with a link to each sender, held against the senders by their ids.
. "$(dirname "$0")/tap.sh"

run() # run NAME OPTION...
{
    name=$1
    shift
    begin "$name" scenarios/batch-consumer.yaml --seed 5 --set load.duration=4s "$@"
}
run whole --set expect.namer=none &
run planted --set services.linked.broken.lose_link_every=5 &
run parent --set services.linked.consumers.results.edge=parent &
wait

whole()
{
    exited whole 0 && json_is "$dir/whole/report.json" \
        "sorted((e['mode'], e['broken'], e['complete'] == e['sampled'] > 100) for e in r['edges'] if 'topic' in e)" \
        "[('both', 0, True), ('link', 0, True), ('parent', 0, True)]"
}
handlings()
{
    json_is "$dir/whole/report.json" \
        "sum(i['handled'] for i in r['namer']['instances']) == [e['sampled'] for e in r['edges'] if e['to'].startswith(r['namer']['group'] + ' ')][0]" \
        True
}
check "links, parents and both hold for single messages and batches" whole

check "the spans alone tell every message, of a batch by its links" handlings

own()
{
    json_is "$dir/whole/report.json" \
        "[0 < e['sampled'] < e['calls'] for e in r['edges'] if e['mode'] == 'link']" "[True]" &&
        json_is "$dir/whole/report.json" "r['traces']['partial'], r['traces']['broken']" "(0, 0)"
}
check "a linked batch decides for itself whether it is sampled, and breaks no trace" own

planted()
{
    exited planted 1 &&
        json_is "$dir/planted/report.json" \
            "sorted({c['id'] for c in r['checks'] + r['expectations'] if c['verdict'] == 'fail'})" \
            "['content', 'propagation', 'required.1']" &&
        json_is "$dir/planted/report.json" \
            "[(e['to'], e['why']) for e in r['edges'] if e['broken'] > 0]" \
            "[('linked process results batch', \"the batch's links do not name this message's sender\")]"
}
check "... a link that a batch lacks is missed by the message it belongs to" planted

parent()
{
    exited parent 2 && grep -q 'cannot have each sender as its parent' "$dir/parent.out"
}
check "... a batch cannot have every sender as its parent: refused with its place" parent
done_testing
