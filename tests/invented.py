"""Invented notices in any number, the same for the same seed: what search is tested and measured with.

Words come as often as in real texts: few very often, most rarely.
"""

import itertools
import random


def listed(text: str) -> list[str]:
    return text.split()


PLACES = listed("青澜 临溪 望江 云岭 白沙 石桥 东泽 西塘 南屏 北渚 松坪 柳湾 金水 银河 长堤 新丰 大洼 小营 高岗 平川")
AREAS = listed("市 县 区 镇 街道 村 工业园 开发区 水库 湿地 林场 港区")
WATER = listed(
    "河道 湖泊 水库 排污口 污水处理厂 污水管网 黑臭水体 饮用水水源地 雨污分流 河长制 入河排口 泵站 截污干管 地下水 生态流量"
)
AIR = listed(
    "扬尘 挥发性有机物 燃煤锅炉 秸秆焚烧 油烟 重污染天气 颗粒物 脱硫设施 脱硝设施 机动车尾气 物料堆场 臭氧 工业炉窑"
)
WASTE = listed(
    "生活垃圾 建筑垃圾 危险废物 渗滤液 填埋场 焚烧发电厂 工业固体废物 尾矿库 医疗废物 磷石膏 赤泥 餐厨垃圾 畜禽粪污"
)
NATURE = listed("自然保护区 矿山 采石场 耕地 湿地 林地 海岸线 围垦 养殖 生态修复 水土流失 违法建筑 岸线")
ACTS = listed(
    "清理 整治 拆除 关停 改造 新建 修复 排查 监测 巡查 督办 约谈 处罚 立案 验收 整改 治理 监管 规范 完善 落实 推进 制定 印发"
)
WAYS = listed("依法 全面 集中 持续 及时 严格 联合 分类 统一 逐一 进一步 定期 每周 按期 限期 重点 同步 一体")
RESULTS = listed(
    "完成整改 达到要求 取得实效 通过验收 明显改善 得到遏制 基本消除 实现达标排放 建成投用 恢复原状 没有反弹 稳定达标"
)
UNITS = listed("吨 处 家 公里 个 台 亩 立方米 万元 次 人 份 项 起")
DUTIES = listed(
    "生态环境局 水务局 住房和城乡建设局 城市管理局 农业农村局 自然资源局 交通运输局 发展和改革委员会 应急管理局 林业局"
)
SYLLABLES = listed(
    "澄 泓 浔 淇 沅 溧 滁 泸 涟 澧 漳 濮 洮 洹 泾 沭 沂 汶 潍 淄 漯 濉 涪 沱 岷 嘉 峨 岱 崂 嵩 岳 嵊 峄 岚"
)
NUMERALS = listed("一 二 三 四 五 六 七 八 九 十 十一 十二 二十 三十五 四十七 一百零三")
THEMES = (WATER, AIR, WASTE, NATURE)
POOL = 3000  # sentences of each theme that notices have in common


class Writer:
    """Writes notices; `seed` decides everything."""

    def __init__(self, seed: int = 1):
        self.random = random.Random(seed)
        names = ["".join(pair) for pair in itertools.permutations(SYLLABLES, 2)]
        self.random.shuffle(names)
        self.names = names
        self.weights = list(itertools.accumulate(1 / (rank + 5) for rank in range(len(names))))
        self.said = {id(theme): [self.sentence(theme) for _ in range(POOL)] for theme in THEMES}

    def name(self) -> str:
        """A proper name: some are everywhere, most in hardly any notice."""
        return self.random.choices(self.names, cum_weights=self.weights)[0]

    def one(self, words: list[str]) -> str:
        """One of the words, the first ones more often."""
        return words[int(len(words) * self.random.random() ** 1.6)]

    def number(self) -> str:
        written = self.random.random()
        if written < 0.2:
            return self.one(NUMERALS)
        return f"{self.random.uniform(1, 90):.1f}" if written < 0.35 else str(int(self.random.paretovariate(0.6)))

    def place(self) -> str:
        return self.one(PLACES) + self.one(AREAS) if self.random.random() < 0.5 else self.name() + self.one(AREAS)

    def sentence(self, theme: list[str]) -> str:
        one = self.one
        what = one(theme) if self.random.random() < 0.8 else one(self.random.choice(THEMES))
        shapes = (
            lambda: (
                f"{self.place()}{one(WAYS)}{one(ACTS)}{what}{self.number()}{one(UNITS)}，{one(ACTS)}{self.name()}{what}，{one(RESULTS)}"
            ),
            lambda: (
                f"{one(DUTIES)}会同{one(DUTIES)}{one(WAYS)}开展{what}{one(ACTS)}，共{one(ACTS)}{self.number()}{one(UNITS)}"
            ),
            lambda: (
                f"截至{self.random.randint(2019, 2026)}年{self.random.randint(1, 12)}月底，{self.place()}{what}{one(RESULTS)}"
            ),
            lambda: f"投资{self.number()}万元，{one(ACTS)}{what}及配套设施，{self.name()}断面水质{one(RESULTS)}",
            lambda: f"对{self.name()}公司{what}问题{one(WAYS)}{one(ACTS)}、{one(ACTS)}，责令{one(WAYS)}{one(ACTS)}",
        )
        return one(list(shapes))()

    def paragraph(self, theme: list[str], length: int) -> str:
        text = ""
        while len(text) < length:
            fresh = self.random.random() < 0.2
            text += (self.sentence(theme) if fresh else self.random.choice(self.said[id(theme)])) + "。"
        return text

    def notice(self, length: int = 3000) -> tuple[str, str]:
        """Title and text of one notice of about `length` characters."""
        theme, number = self.random.choice(THEMES), self.one(NUMERALS)
        title = f"关于{self.one(PLACES)}市第{self.one(NUMERALS[:3])}轮督察第{number}项{self.one(theme)}整改任务的整改情况公示"
        part = length // 7
        lines = [title, f"根据有关规定，现对{self.place()}整改情况进行公示。", "一、反馈问题"]
        lines += [self.paragraph(theme, part), "二、整改措施"]
        lines += [f"（{NUMERALS[each]}）{self.paragraph(theme, part // 2)}" for each in range(4)]
        lines += ["三、工作开展情况", *(f"（{NUMERALS[each]}）{self.paragraph(theme, part)}" for each in range(4))]
        return title, "\n".join(lines) + "\n"
