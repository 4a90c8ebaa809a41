import os, time, threading, traceback, sys
sys.path.insert(0,'/work/main/tests')
from web_tool import *
import requests
def test_x(tool):
    any_tool=tool
    N=int(os.environ.get("N","10"))
    one, two = any_tool.visitor(), any_tool.visitor()
    flow=any_tool.flow
    handle=flow.handle(two.open(),"t")
    times=[]; errs=[]; trace={}
    from pwb_oauth.sender import Sender
    orig=Sender.send
    def send(self,method,url,**k):
        b=time.monotonic()
        try: return orig(self,method,url,**k)
        finally:
            p=k.get('params') or k.get('data') or ''
            trace.setdefault(threading.current_thread().name,[]).append((round(b-T,2),round(time.monotonic()-b,2),method,str(url)[-60:] if not p else str(p)[:40]))
    Sender.send=send
    def work(n):
        def go(account,i):
            b=time.monotonic()
            edit(account,f"{n}-{i}",title=f"Page {n}")
            times.append(time.monotonic()-b)
            if times[-1]>1.2:
                print("SLOW",n,i,times[-1])
                for l in trace[f"w{n}"][-14:]: print("   ",l)
        if n==2:
            with flow.job(handle,"t") as a:
                for i in range(N): go(a,i)
        else:
            for i in range(N):
                with flow.account((one,two)[n].open()) as a:
                    go(a,i)
    for t in ("Page 0","Page 1","Page 2"): any_tool.wiki.add_page(t,"x")
    any_tool.wiki.log.limit=None
    T=b=time.monotonic()
    def run(n):
        try: work(n)
        except BaseException as e:
            errs.append((n,repr(getattr(e,'reason',e))[:80]))
            print("FAIL",n,time.monotonic()-T)
            traceback.print_exc(limit=None,file=sys.stdout)
            for l in trace[f"w{n}"][-45:]: print(l)
    ths=[threading.Thread(target=run,args=(n,),name=f"w{n}") for n in range(3)]
    [t.start() for t in ths]; [t.join() for t in ths]
    bad=sum(e.error=="badtoken" for e in any_tool.wiki.log)
    print(f"RES {len(times)} edits in {time.monotonic()-b:.1f}s, bad {bad}, longest {sorted(times)[-3:]}, requests {len(any_tool.wiki.log)}", errs)
    Sender.send=orig
