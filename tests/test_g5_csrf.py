import os, time, threading
from bot_actions import in_threads
from web_tool import *
def test_x(any_tool):
    N=int(os.environ.get("N","10")); FRESH=os.environ.get("FRESH")
    one, two = any_tool.visitor(), any_tool.visitor()
    flow=any_tool.flow
    handle=flow.handle(two.open(),"t")
    times=[]; errs=[]
    def work(n):
        def go(account,i):
            b=time.monotonic()
            edit(account,f"{n}-{i}",title=f"Page {n}")
            times.append(time.monotonic()-b)
        if n==2:
            with flow.job(handle,"t") as a:
                for i in range(N): go(a,i)
        else:
            for i in range(N):
                with flow.account((one,two)[n].open()) as a:
                    go(a,i)
    for t in ("Page 0","Page 1","Page 2"): any_tool.wiki.add_page(t,"x")
    any_tool.wiki.log.limit=None
    b=time.monotonic()
    ths=[]
    def run(n):
        try: work(n)
        except BaseException as e: errs.append((n,repr(e),repr(getattr(e,'reason',None))))
    ths=[threading.Thread(target=run,args=(n,)) for n in range(3)]
    [t.start() for t in ths]; [t.join() for t in ths]
    bad=sum(e.error=="badtoken" for e in any_tool.wiki.log)
    print(f"{len(times)} edits in {time.monotonic()-b:.1f}s, bad {bad}, longest {max(times):.2f}, requests {len(any_tool.wiki.log)}", errs)
    for n in range(3):
        l=any_tool.wiki.pages[f"Page {n}"].revisions[-1].text.split("\n")[1:]
        assert l==[f"{n}-{i}" for i in range(N)], (n,l)
    assert 0
